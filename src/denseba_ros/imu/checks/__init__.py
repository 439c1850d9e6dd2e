"""What is wrong with IMU samples, seen as they come."""
