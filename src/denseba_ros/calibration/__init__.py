"""Intrinsics of a camera from a recorded clip: structure from motion, adjustment, deviation."""
