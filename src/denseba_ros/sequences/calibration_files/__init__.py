"""Calibrations as text and in the files of other tools, recognised by their content."""
