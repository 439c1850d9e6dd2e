"""What an inertial sensor beside the camera feels along a known trajectory."""
