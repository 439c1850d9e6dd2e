"""Tracking: the pose of every image relative to the newest keyframe, and relocalisation."""
