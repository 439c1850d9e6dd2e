"""Readers of recorded sequences, one a format."""
