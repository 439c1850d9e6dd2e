"""The map that outlives the window: keyframes, links between them, loop closure, the file."""
