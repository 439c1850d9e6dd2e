"""What people look at: colours for depth, the configuration of RViz."""
