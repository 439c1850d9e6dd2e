"""Calibration files of other tools, one module for each format, chosen by content."""
