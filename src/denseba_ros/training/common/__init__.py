"""What several trainings share: checkpoints, logs, curves, photometric losses."""
