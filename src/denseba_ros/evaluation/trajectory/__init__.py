"""Evaluation of trajectories: association, alignment, errors, consistency of the covariance."""
