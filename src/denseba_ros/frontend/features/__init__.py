"""Corners and their optical flow."""
