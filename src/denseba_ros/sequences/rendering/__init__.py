"""Worlds of textured rectangles: surfaces, ray casting, and sequences of their images."""
