"""ROS 2 nodes: messages in, messages out, no mathematics."""
