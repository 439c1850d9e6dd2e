"""Inertial measurements: samples, preintegration, the inertial factor, alignment with vision."""
