"""Geometry of images with little known of their poses: relative pose, epipolar search."""
