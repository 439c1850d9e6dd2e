"""Player, recorder and processes: what the command line does with ROS 2."""
