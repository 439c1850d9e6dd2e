"""Tables of poses in text files."""
