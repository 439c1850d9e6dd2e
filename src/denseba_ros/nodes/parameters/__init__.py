"""ROS parameters, generated from the models of the configuration."""
