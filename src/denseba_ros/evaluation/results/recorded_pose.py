"""One pose that a node published, as a recorder keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np


class PoseState(Enum):
    """Where a published pose comes from.

    TRACKED: measured in its image. PREDICTED: published before the image's own estimate, or for an
    image that was dropped. LOST: published while tracking was lost or began again, or with the
    covariance of the unknown.
    """

    TRACKED = "tracked"
    PREDICTED = "predicted"
    LOST = "lost"


@dataclass(frozen=True)
class RecordedPose:
    """What one message of `odometry` said, in odom and in map, at ``stamp_ns``.

    ``T_odom_camera`` and ``T_map_camera`` (4, 4) are poses of the camera in the first camera's
    frame (x right, y down, z forward), as odom and as map know that frame; the latter is None where
    the place in the map was not known. The covariances (6, 6)
    are of (position, rotation about fixed axes) along the axes of the same frame.
    ``scale_deviation`` is the relative deviation of the metric scale in them, NaN where unknown.
    """

    stamp_ns: int
    state: PoseState
    T_odom_camera: np.ndarray
    odom_covariance: np.ndarray
    T_map_camera: np.ndarray | None
    map_covariance: np.ndarray
    scale_deviation: float = float("nan")
