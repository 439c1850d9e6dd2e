"""What is known of a frame and said of it: images, poses, covariance, depth."""
