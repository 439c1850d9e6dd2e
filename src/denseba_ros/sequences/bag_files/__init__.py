"""Files of ROS 1 and ROS 2 bags, also of recordings that were cut off."""
