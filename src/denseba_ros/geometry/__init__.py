"""SE(3), Sim(3), camera models, pyramids and warping."""
