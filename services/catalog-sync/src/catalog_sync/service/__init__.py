"""What catalog-sync does: compares readings with what is known, announces the differences."""
