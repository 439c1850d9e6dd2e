"""Recordings of ROS: their topics, and the images of one."""
