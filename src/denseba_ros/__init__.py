"""Real-time dense visual SLAM: one camera in, odometry, TF and dense depth out."""

__version__ = "0.1.0"
