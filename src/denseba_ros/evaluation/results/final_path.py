"""The path of all images as the map has it at the end, from its keyframes and odometry."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.sequences.trajectory import Trajectory


class FinalPath:
    """Poses of tracked images in odom; each is later held by the keyframe before it."""

    def __init__(self) -> None:
        self._odometry: dict[int, np.ndarray] = {}

    def add(self, stamp_ns: int, T_odom_camera: np.ndarray) -> None:
        """A tracked image, T_odom_camera (4, 4); stamps rise."""
        self._odometry[stamp_ns] = T_odom_camera

    def corrected(self, keyframes: Mapping[int, np.ndarray]) -> Trajectory:
        """T_map_camera of the images, by T_map_camera (4, 4) of ``keyframes`` by stamp. Images
        before the first keyframe are left out, and keyframes whose odometry is not known."""
        stamps, poses = list[int](), list[np.ndarray]()
        T_map_odom = None
        for stamp, T_odom_camera in self._odometry.items():
            if stamp in keyframes:
                T_map_odom = keyframes[stamp] @ pose_step.inverse(T_odom_camera)
            if T_map_odom is not None:
                stamps.append(stamp)
                poses.append(T_map_odom @ T_odom_camera)
        return Trajectory(np.array(stamps, np.int64), np.array(poses).reshape(-1, 4, 4))
