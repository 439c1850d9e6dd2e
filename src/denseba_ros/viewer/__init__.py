"""What people look at: a live view and recordings by rerun, colours for depth, RViz' file."""
