"""One module for each format of calibration files."""
