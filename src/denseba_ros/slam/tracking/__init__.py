"""Pose of every image against the newest keyframe, and relocalisation."""
