"""Depth networks: ours, those of others, and a constant depth."""
