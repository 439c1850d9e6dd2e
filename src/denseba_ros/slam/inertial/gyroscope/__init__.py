"""The gyroscope while driving: its bias, and whether turns of the images confirm it."""
