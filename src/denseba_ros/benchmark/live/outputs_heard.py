"""Everything that was sent to a node and heard of it in a live run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from denseba_ros.evaluation.results.recorded_pose import RecordedPose
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.poses import transform_from_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.tf_buffer import TfBuffer
from denseba_ros.nodes.tools.pose_joiner import PoseJoiner
from denseba_ros.nodes.tools.sent_images import Sent

ODOMETRY, STATUS, TF, TF_STATIC = "odometry", "status", "/tf", "/tf_static"


@dataclass(frozen=True)
class Message:
    """One ``message`` of a ``topic``, and the monotonic time ``at`` (s) of its arrival."""

    at: float
    topic: str
    message: Any


@dataclass
class OutputsHeard:
    """``sent`` are the images, ``messages`` what came, in order of arrival."""

    sent: list[Sent] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def of(self, topic: str) -> list[Any]:
        """The messages of one topic."""
        return [m.message for m in self.messages if m.topic == topic]

    def odometry_arrivals(self) -> dict[int, float]:
        """Monotonic time (s) at which the first odometry of each stamp (ns) came."""
        first: dict[int, float] = {}
        for m in self.messages:
            if m.topic == ODOMETRY:
                first.setdefault(stamp_to_ns(m.message.header.stamp), m.at)
        return first

    def poses(self, camera_frame: str) -> list[RecordedPose]:
        """Poses of the camera that `odometry` said, as ``denseba record`` writes them.

        Without a transform from base to ``camera_frame``, the optical frame, they are the base's.
        """
        joiner, poses = PoseJoiner(), list[RecordedPose]()
        mount = self._mount(camera_frame)
        for m in self.messages:
            if m.topic == ODOMETRY:
                joiner.add_odometry(m.message)
            elif m.topic == STATUS:
                joiner.add_status(m.message)
            poses += joiner.take(mount)
        return [*poses, *joiner.take(mount, at_end=True)]

    def _mount(self, camera_frame: str) -> CameraMount:
        buffer = TfBuffer()
        for parent, child, T in self._transforms():
            buffer.set(parent, child, T)
        base = next((m.child_frame_id for m in self.of(ODOMETRY)), "")
        T_base_camera = buffer.lookup(base, camera_frame)
        return CameraMount(np.eye(4) if T_base_camera is None else T_base_camera)

    def map_to_odom(self) -> list[np.ndarray]:
        """T_map_odom (4, 4) of each /tf message that has one: odom is the frame of `odometry`."""
        odom = next((m.header.frame_id for m in self.of(ODOMETRY)), "")
        return [T for _, child, T in self._transforms() if child == odom]

    def _transforms(self) -> Iterator[tuple[str, str, np.ndarray]]:
        """Parent, child and T_parent_child (4, 4) of all transforms."""
        for message in [*self.of(TF_STATIC), *self.of(TF)]:
            for t in message.transforms:
                yield t.header.frame_id, t.child_frame_id, transform_from_msg(t.transform)
