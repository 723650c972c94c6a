"""What a region sends, read and checked without a server."""
