"""Accuracy, time and gradients of the minimal solvers."""
