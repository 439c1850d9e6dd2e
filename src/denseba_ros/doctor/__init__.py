"""Checks of a machine: each reports its finding and, if it fails, a remedy."""
