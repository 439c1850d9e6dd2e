"""Depth models: this project's network, external networks, and a constant depth."""
