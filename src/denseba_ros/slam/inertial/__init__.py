"""The IMU beside the window: rotation between images, and the map in metres and upright."""
