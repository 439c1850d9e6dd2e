"""Sums over all pairs of point and keyframe: one interface, in torch, on the CPU and on a GPU."""
