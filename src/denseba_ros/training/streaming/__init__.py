"""Streams of images from many trajectories, through readers that survive failures."""
