"""Publishers: odometry, TF, depth, points, diagnostics, PX4."""
