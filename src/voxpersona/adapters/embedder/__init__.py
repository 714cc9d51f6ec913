"""Text to vectors for search."""
