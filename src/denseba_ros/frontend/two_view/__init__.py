"""Two-view geometry: relative pose from correspondences, epipolar search."""
