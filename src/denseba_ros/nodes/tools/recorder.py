"""Listens to a node's outputs and writes them in the layout of ``denseba run``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.camera_info import calibration_from_msg
from denseba_ros.nodes.conversions.odometry_from_msg import estimate_from_msgs
from denseba_ros.nodes.conversions.point_clouds import keyframe_from_cloud
from denseba_ros.nodes.conversions.poses import transform_from_msg
from denseba_ros.nodes.conversions.stamps import NANOSECONDS, stamp_to_ns
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS, TF_QOS
from denseba_ros.nodes.inputs.tf_buffer import TfBuffer

_OUTPUTS: dict[str, Any] = {
    "odometry": Odometry,
    "status": DiagnosticArray,
    "points": PointCloud2,
    "depth/image": Image,
    "depth/camera_info": CameraInfo,
}
_QUEUE = 200


@dataclass
class _Received:
    """What came for one stamp."""

    parts: dict[str, Any] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)


class Recorder(Node):
    """Joins the outputs by stamp and writes them with a RunWriter.

    Poses are those of the camera's optical frame in the frame of the first camera, like those of
    ``denseba run``, once TF has given base -> camera; the images before that are written then.
    Without that transform at the end, the poses are the base's in odom.

    ``counts`` are messages per topic, ``states`` images per tracking state, ``last_heard`` is the
    monotonic time (s) of the last message, ``trajectory_frame`` whose poses are written.
    """

    def __init__(self, writer: RunWriter, **node_options: Any) -> None:
        super().__init__("denseba_record", **node_options)
        self.counts: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.last_heard = time.monotonic()
        self.trajectory_frame = "unknown"
        self._writer = writer
        self._tf_buffer = TfBuffer()
        self._mount: CameraMount | None = None
        self._received: dict[int, _Received] = {}
        self._odometry_times: list[float] = []
        self._listen(TFMessage, "/tf", TF_QOS, self._on_tf)
        self._listen(TFMessage, "/tf_static", STATIC_TF_QOS, self._on_tf)
        for name, kind in _OUTPUTS.items():
            on_message = partial(self._on_output, name)
            self._listen(kind, name, QoSProfile(depth=_QUEUE), on_message)

    def _listen(
        self, kind: Any, name: str, qos: QoSProfile, on_message: Callable[[Any], None]
    ) -> None:
        def count_first(message: Any) -> None:
            self.counts[name] += 1
            self.last_heard = time.monotonic()
            on_message(message)

        self.create_subscription(kind, name, count_first, qos)

    def is_connected(self) -> bool:
        """Whether somebody publishes on every topic but /tf_static, which may start later."""
        return all(
            subscription.get_publisher_count()
            for subscription in self.subscriptions
            if subscription.topic_name not in ("/tf_static", "/parameter_events")
        )

    def summary(self) -> dict[str, Any]:
        """Counts per topic and per tracking state, and the rate at which odometry came."""
        times = self._odometry_times
        elapsed = times[-1] - times[0] if len(times) > 1 else 0.0
        return {
            "frames": sum(self.states.values()),
            "tracked": self.states["tracking"],
            "initialising": self.states["initialising"],
            "lost": self.states["lost"],
            "dropped": self.states["dropped"],
            "keyframes": self._writer.keyframes,
            "messages": dict(sorted(self.counts.items())),
            "odometry_rate_hz": (len(times) - 1) / elapsed if elapsed > 0 else None,
            "trajectory_frame": self.trajectory_frame,
        }

    def finish(self) -> None:
        """Write what still waits for a transform."""
        if self._mount is None and any("odometry" in r.parts for r in self._received.values()):
            self.get_logger().warning(
                "TF never connected the base and the camera: writing the poses of the base in odom"
            )
            self.trajectory_frame = "base"
            self._mount = CameraMount(np.eye(4))
        for stamp_ns in sorted(self._received):
            self._write(stamp_ns)

    def _on_tf(self, message: TFMessage) -> None:
        if self._mount is not None:
            return
        for t in message.transforms:
            self._tf_buffer.set(
                t.header.frame_id, t.child_frame_id, transform_from_msg(t.transform)
            )

    def _on_output(self, name: str, message: Any) -> None:
        if name == "status":
            self.states[message.status[0].message] += 1
        if name == "odometry":
            self._odometry_times.append(time.monotonic())
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._received.setdefault(stamp_ns, _Received()).parts[name] = message
        if self._mount is not None:
            self._write(stamp_ns)
            self._forget_before(stamp_ns - 10 * NANOSECONDS)
        elif self._find_mount():
            for stamp in sorted(self._received):
                self._write(stamp)

    def _find_mount(self) -> bool:
        """base -> camera, once an odometry and a camera_info have named the two frames."""
        parts = [received.parts for received in self._received.values()]
        bases = [p["odometry"].child_frame_id for p in parts if "odometry" in p]
        cameras = [
            p["depth/camera_info"].header.frame_id for p in parts if "depth/camera_info" in p
        ]
        if bases and cameras:
            T_base_camera = self._tf_buffer.lookup(bases[0], cameras[0])
            if T_base_camera is not None:
                self._mount = CameraMount(T_base_camera)
                self.trajectory_frame = "camera"
        return self._mount is not None

    def _write(self, stamp_ns: int) -> None:
        """Write the pose and the keyframe of a stamp as soon as all their parts are there."""
        received = self._received[stamp_ns]
        parts, written = received.parts, received.written
        if self._mount is None or not {"odometry", "status"} <= parts.keys():
            return
        estimate = estimate_from_msgs(parts["odometry"], parts["status"], self._mount)
        if "pose" not in written:
            self._writer.add_estimate(estimate)
            written.add("pose")
        if "keyframe" not in written and {"points", "depth/camera_info"} <= parts.keys():
            calibration = calibration_from_msg(parts["depth/camera_info"])
            T = estimate.T_world_camera
            self._writer.add_keyframe(keyframe_from_cloud(parts["points"], calibration, T))
            written.add("keyframe")

    def _forget_before(self, stamp_ns: int) -> None:
        for stamp in [s for s in self._received if s < stamp_ns]:
            del self._received[stamp]
