"""The local map: keyframe selection, depth and tracks, bundle adjustment, marginalisation."""
