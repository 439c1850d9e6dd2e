"""Estimated depth against measured depth."""
