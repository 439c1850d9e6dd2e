"""Joins the parts of each keyframe: its point cloud, the camera of its depth and its pose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CameraInfo, PointCloud2

from denseba_ros.nodes.conversions.camera_info import calibration_from_msg
from denseba_ros.nodes.conversions.point_clouds import keyframe_from_cloud
from denseba_ros.nodes.conversions.stamps import NANOSECONDS
from denseba_ros.slam.state.estimate import Keyframe

_PATIENCE_NS = 10 * NANOSECONDS


@dataclass
class _Parts:
    """What came for one stamp; ``T_map_camera`` (4, 4)."""

    points: PointCloud2 | None = None
    camera: CameraInfo | None = None
    T_map_camera: np.ndarray | None = None


class KeyframeJoiner:
    """``camera_frame`` is the optical frame of the depth, None before the first camera_info."""

    def __init__(self) -> None:
        self.camera_frame: str | None = None
        self._parts: dict[int, _Parts] = {}

    def add_points(self, stamp_ns: int, message: PointCloud2) -> None:
        """The cloud of a keyframe came."""
        self._at(stamp_ns).points = message

    def add_camera(self, stamp_ns: int, message: CameraInfo) -> None:
        """The camera_info of a depth image came."""
        self.camera_frame = message.header.frame_id
        self._at(stamp_ns).camera = message

    def add_pose(self, stamp_ns: int, T_map_camera: np.ndarray) -> None:
        """The pose (4, 4) of an image is known; parts of much older images are forgotten."""
        self._at(stamp_ns).T_map_camera = T_map_camera
        for stamp in [s for s in self._parts if s < stamp_ns - _PATIENCE_NS]:
            del self._parts[stamp]

    def take(self) -> Iterator[Keyframe]:
        """The keyframes all of whose parts came."""
        for stamp, parts in sorted(self._parts.items()):
            if parts.points is None or parts.camera is None or parts.T_map_camera is None:
                continue
            calibration = calibration_from_msg(parts.camera)
            yield keyframe_from_cloud(parts.points, calibration, parts.T_map_camera)
            del self._parts[stamp]

    def _at(self, stamp_ns: int) -> _Parts:
        return self._parts.setdefault(stamp_ns, _Parts())
