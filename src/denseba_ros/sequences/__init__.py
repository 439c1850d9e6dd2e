"""Readers of recorded sequences, trajectory files and the synthetic room."""
