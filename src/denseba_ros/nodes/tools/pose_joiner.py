"""Joins every odometry with the status of its image, in the order of publication."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.results.recorded_pose import RecordedPose
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.odometry_from_msg import (
    is_of_processed,
    map_to_odom,
    pose_from_msgs,
    scale_deviation,
)
from denseba_ros.nodes.conversions.stamps import NANOSECONDS, stamp_to_ns

# The status of an image that is never processed may be lost on the way.
_PATIENCE_NS = 10 * NANOSECONDS


class PoseJoiner:
    """A prediction is published before the status of its image, the odometry of a dropped image
    after it. An odometry holds back those after it until its status came, or for 10 s.

    ``without_pose`` counts odometry that was no pose, as rtabmap's null odometry.
    """

    def __init__(self) -> None:
        self.without_pose = 0
        self._waiting: deque[Odometry] = deque()
        self._statuses: dict[int, DiagnosticArray] = {}
        self._newest_ns = 0
        self._T_map_odom: np.ndarray | None = np.eye(4)
        self._scale_deviation = float("nan")

    def __len__(self) -> int:
        return len(self._waiting)

    def add_odometry(self, message: Odometry) -> None:
        """An odometry came."""
        self._waiting.append(message)
        self._newest_ns = stamp_to_ns(message.header.stamp)

    def add_status(self, message: DiagnosticArray) -> None:
        """The status of an image came."""
        self._newest_ns = stamp_to_ns(message.header.stamp)
        self._statuses[self._newest_ns] = message

    def base_frame(self) -> str | None:
        """Frame whose pose the odometry is, None while none waits."""
        return self._waiting[0].child_frame_id if self._waiting else None

    def take(self, mount: CameraMount, *, at_end: bool = False) -> Iterator[RecordedPose]:
        """The poses whose status came, oldest first; ``at_end`` those without one, too."""
        while self._waiting:
            stamp_ns = stamp_to_ns(self._waiting[0].header.stamp)
            is_late = abs(self._newest_ns - stamp_ns) > _PATIENCE_NS
            if stamp_ns not in self._statuses and not (is_late or at_end):
                return
            status = self._statuses.get(stamp_ns)
            if status is not None and is_of_processed(status):
                self._T_map_odom = map_to_odom(status)
            deviation = None if status is None else scale_deviation(status)
            if deviation is not None:
                self._scale_deviation = deviation
            self._forget_before(stamp_ns)
            try:
                yield pose_from_msgs(
                    self._waiting.popleft(), status, self._T_map_odom, mount, self._scale_deviation
                )
            except TrajectoryError:
                self.without_pose += 1

    def _forget_before(self, stamp_ns: int) -> None:
        """Forget old statuses, most of them of images without odometry."""
        for stamp in [s for s in self._statuses if s < stamp_ns - _PATIENCE_NS]:
            del self._statuses[stamp]
