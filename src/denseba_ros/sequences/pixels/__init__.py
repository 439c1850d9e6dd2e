"""Pixel layouts that numpy does not read by itself, and whether a compressed file is whole."""
