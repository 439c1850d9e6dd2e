"""Recordings of public benchmarks, from their own addresses."""
