"""The first keyframes and the scale of a new map."""
