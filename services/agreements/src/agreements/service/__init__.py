"""What can be done with agreements: one function per intent, by subject."""
