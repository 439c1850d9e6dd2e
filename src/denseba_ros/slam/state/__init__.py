"""State that is kept and published per frame: images, pose, covariance, depth."""
