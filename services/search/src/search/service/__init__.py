"""What search does: projects messages into offers, indexes them, answers questions."""
