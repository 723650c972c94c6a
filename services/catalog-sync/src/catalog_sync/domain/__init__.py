"""What catalog-sync reasons about, in plain Python."""
