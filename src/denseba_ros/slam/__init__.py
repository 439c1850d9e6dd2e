"""The SLAM loop: tracker, keyframes, system. No ROS in here."""
