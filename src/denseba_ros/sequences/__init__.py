"""Recorded sequences, trajectory files and the synthetic room."""
