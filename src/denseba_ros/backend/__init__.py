"""The sliding window and its dense bundle adjustment."""
