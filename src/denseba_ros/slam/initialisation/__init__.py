"""Initialisation of a new map: its first two keyframes and its scale."""
