"""The files that a run leaves, and pictures of them."""
