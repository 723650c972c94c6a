"""Tables and every SQL statement of catalog-sync."""
