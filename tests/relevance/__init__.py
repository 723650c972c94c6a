"""How well plain Swedish words find what is meant: a judged set of queries, asked of search over the demo's Sweden."""
