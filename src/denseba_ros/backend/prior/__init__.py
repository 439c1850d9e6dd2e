"""Priors of the window: the gauge, and marginalised keyframes."""
