"""OpenSearch: the mapping, the writes, the query."""
