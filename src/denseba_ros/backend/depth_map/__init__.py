"""Dense inverse depth of a keyframe: its points joined by edge-aware smoothness."""
