"""Bundle adjustment of a whole map: all poses and points together."""
