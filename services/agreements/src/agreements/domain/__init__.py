"""What an agreement is and may become, in plain Python."""
