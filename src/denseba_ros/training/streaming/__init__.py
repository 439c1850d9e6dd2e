"""Streams of images from many trajectories, with readers that tolerate failures."""
