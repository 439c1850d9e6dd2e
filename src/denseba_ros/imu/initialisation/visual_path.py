"""Poses of keyframes as vision gives them: up to a scale, in a world of any orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.errors import ImuError


@dataclass(frozen=True)
class VisualPath:
    """Keyframes in the order of time.

    ``T_world_camera`` (K, 4, 4) float64 in units of the map; ``position_sigma`` in the same units
    and ``rotation_sigma`` in rad are deviations per axis of each pose, independent of the others;
    ``T_imu_camera`` (4, 4) in metres.

    Raises:
        ImuError: with fewer than two keyframes, or deviations that are not positive.
    """

    T_world_camera: np.ndarray
    position_sigma: float
    rotation_sigma: float
    T_imu_camera: np.ndarray

    def __post_init__(self) -> None:
        if self.T_world_camera.ndim != 3 or len(self.T_world_camera) < 2:
            raise ImuError("a visual path has two keyframes or more")
        if not (self.position_sigma > 0.0 and self.rotation_sigma > 0.0):
            raise ImuError("the deviations of visual poses are positive")

    def __len__(self) -> int:
        return len(self.T_world_camera)

    @property
    def centres(self) -> np.ndarray:
        """(K, 3) of the camera, units of the map."""
        centres: np.ndarray = self.T_world_camera[:, :3, 3]
        return centres

    @property
    def R_world_imu(self) -> np.ndarray:
        """(K, 3, 3)."""
        R: np.ndarray = self.T_world_camera[:, :3, :3] @ self.T_imu_camera[:3, :3].T
        return R

    @property
    def lever(self) -> np.ndarray:
        """(3,) of the IMU from the camera in metres, along the IMU's axes."""
        lever: np.ndarray = -self.T_imu_camera[:3, 3]
        return lever
