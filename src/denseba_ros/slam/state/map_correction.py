"""How a pose in a larger map is published: corrections of closed loops flow in at a bounded speed.

The map moves at a closure, the camera does not: what moves is ``map -> odom``. At once, that is a
step of all that is planned in the map; so the step may be lent and flow back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.geometry import pose_step, sim3
from denseba_ros.slam.state.rigid_motion import difference, displaced


@dataclass(frozen=True)
class MapPose:
    """Where an image is in a larger map.

    ``T_map_camera`` (4, 4) float64, of scale 1; None until a place of the map was recognised.
    ``correction`` (4, 4): the similarity by which a loop that was closed multiplied it from the
    left, None at all other images.
    """

    T_map_camera: np.ndarray | None
    correction: np.ndarray | None = None

    @property
    def is_corrected(self) -> bool:
        """Whether the map was corrected at this image."""
        return self.correction is not None


class MapCorrection:
    """Makes ``T_map_odom`` (4, 4) float64, a rigid motion, from poses of the camera in both.

    Where one unit of the world of tracking is not one of the map, no rigid motion fits all poses:
    the one that fits the present pose is taken, which moves slowly with the camera. ``lent`` (6,)
    is by how much the published pose is not yet corrected: translation, and rotation vector, along
    the axes of the map.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing is lent."""
        self.lent = np.zeros(6)
        self._stamp_ns: int | None = None

    def map_to_odom(
        self, pose: MapPose, T_odom_camera: np.ndarray, stamp_ns: int, rate: float
    ) -> np.ndarray | None:
        """``T_map_odom`` for an image of ``stamp_ns``, None without a pose in the map; what is lent
        flows back at ``rate`` metres and radians a second, 0: at once."""
        T = pose.T_map_camera
        if T is None:
            self.reset()
            return None
        if pose.correction is not None and self._stamp_ns is not None:
            before = sim3.rigid(sim3.inverse(pose.correction) @ T)
            self.lent = difference(displaced(before, self.lent), T)
        seconds = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) * 1e-9
        self._stamp_ns = stamp_ns
        self._repay(rate, max(seconds, 0.0))
        T_map_odom: np.ndarray = displaced(T, self.lent) @ pose_step.inverse(T_odom_camera)
        return T_map_odom

    def _repay(self, rate: float, seconds: float) -> None:
        if rate == 0.0:
            self.lent = np.zeros(6)
            return
        for part in (self.lent[:3], self.lent[3:]):
            size = float(np.linalg.norm(part))
            part *= max(1.0 - rate * seconds / size, 0.0) if size > 0.0 else 0.0
