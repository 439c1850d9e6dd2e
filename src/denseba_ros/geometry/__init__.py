"""SE(3), camera models, pyramids and warping."""
