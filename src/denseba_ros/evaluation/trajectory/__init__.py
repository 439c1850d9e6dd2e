"""Estimated against true trajectories: alignment, errors, honesty of the covariance."""
