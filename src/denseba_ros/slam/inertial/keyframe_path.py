"""The last keyframes in one world, also those that left the window, to be aligned with the IMU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

MOST = 35
"""Keyframes that are kept."""


class KeyframePath:
    """T_world_camera (4, 4) float64 by stamp, the last ``MOST``, oldest first."""

    def __init__(self) -> None:
        self.poses: dict[int, np.ndarray] = {}

    def update(self, window: Mapping[int, np.ndarray], growth: float) -> None:
        """Take over the poses of the ``window``, after its world grew by ``growth`` about the
        newest camera: so do the keyframes that left it."""
        newest = max(window)
        if growth != 1.0:
            centre = window[newest][:3, 3]
            for T in self.poses.values():
                T[:3, 3] = centre + growth * (T[:3, 3] - centre)
        self.poses.update({stamp: T.copy() for stamp, T in window.items()})
        kept = sorted(self.poses)[-MOST:]
        self.poses = {stamp: self.poses[stamp] for stamp in kept}
