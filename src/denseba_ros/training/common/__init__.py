"""Shared by several trainings: checkpoints, logs, loss curves, photometric losses."""
