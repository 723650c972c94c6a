"""Tables and every SQL statement of search."""
