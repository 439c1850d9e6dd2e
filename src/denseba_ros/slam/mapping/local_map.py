"""The local map as tracking and the outputs see it: a snapshot that no adjustment changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL, dense_map, depth_parts
from denseba_ros.slam.state.depth_rendering import keyframe_view, render_depth
from denseba_ros.slam.state.estimate import DepthMap, Keyframe

# Relative deviation of depths that come from parallax.
_BY_PARALLAX = 0.1


@dataclass(frozen=True)
class LocalMap:
    """Snapshots of the window's ``keyframes``, oldest first and at least one; ``camera`` of
    level 0; ``motion``: what an IMU knows at the newest."""

    camera: Pinhole
    keyframes: list[WindowKeyframe]
    motion: InertialMotion | None = None

    @property
    def newest(self) -> WindowKeyframe:
        """The keyframe that images are tracked against."""
        return self.keyframes[-1]

    def has_parallax(self, size: int) -> bool:
        """Whether the window has its ``size``, and most points of its newest keyframe are known
        better than any depth model could: the map's shape is its own."""
        points = self.newest.points
        if len(self.keyframes) < size or not bool(points.valid.any()):
            return False
        return float(points.relative_sigma[points.valid].median()) < _BY_PARALLAX

    def depth_map(self, T: Tensor) -> DepthMap:
        """Dense depth of the newest keyframe, rendered at T_camera_world (4, 4)."""
        T_image_keyframe = T @ se3.inverse(self.newest.T)
        return render_depth(self.newest_dense, T_image_keyframe, self.camera, GRID_LEVEL)

    @cached_property
    def newest_dense(self) -> Tensor:
        """Dense map (2, h, w) of the newest keyframe, which many images are rendered from."""
        return dense_map(self.newest)

    def poses(self) -> dict[int, np.ndarray]:
        """T_world_camera (4, 4) float64 of the keyframes by stamp, oldest first."""
        return {k.stamp_ns: se3.inverse(k.T).cpu().numpy() for k in self.keyframes}

    def views(self) -> list[Keyframe]:
        """Copies of the keyframes for the user, oldest first."""
        return keyframe_views(self.camera, self.keyframes)


def keyframe_views(camera: Pinhole, keyframes: list[WindowKeyframe]) -> list[Keyframe]:
    """Copies of keyframes for the user; ``camera`` of level 0."""
    views = []
    for keyframe in keyframes:
        dense = dense_map(keyframe)
        parts = depth_parts(keyframe, dense)
        views.append(keyframe_view(keyframe, camera, GRID_LEVEL, dense, parts))
    return views
