"""Readers of recorded sequences, one per format."""
