"""The map that is larger than the window, in a node: its session, topics and services."""
