"""Minimal solvers for thousands of samples at once, and gradients through their solutions."""
