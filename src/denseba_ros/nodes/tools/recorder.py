"""Listens to a node's outputs and writes them: poses in odom and in map, keyframes, counts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry, Path
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from denseba_ros.evaluation.results.final_path import FinalPath
from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.evaluation.results.recording_writer import RecordingWriter
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.odometry_from_msg import status_values
from denseba_ros.nodes.conversions.poses import pose_from_msg, transform_from_msg
from denseba_ros.nodes.conversions.stamps import NANOSECONDS, stamp_to_ns
from denseba_ros.nodes.inputs.camera_input import LATCHED_QOS
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS, TF_QOS
from denseba_ros.nodes.inputs.tf_buffer import TfBuffer
from denseba_ros.nodes.tools.keyframe_joiner import KeyframeJoiner
from denseba_ros.nodes.tools.pose_joiner import PoseJoiner
from denseba_ros.nodes.tools.run_timing import TimingProbe
from denseba_ros.nodes.tools.status_statistics import StatusStatistics

_OUTPUTS: dict[str, Any] = {
    "odometry": Odometry,
    "status": DiagnosticArray,
    "points": PointCloud2,
    "depth/image": Image,
    "depth/camera_info": CameraInfo,
}
_QUEUE = 200
# Topics that may come late, or never.
_OPTIONAL = ("/tf_static", "/parameter_events", "map_path")


class Recorder(Node):
    """Joins the outputs by stamp and writes them with a RecordingWriter.

    Poses are those of the camera's optical frame in the frame of the first camera, like those of
    ``denseba run``, once TF has given base -> camera; the images before that are written then.
    Without that transform at the end, the poses are the base's.

    ``counts`` are messages per topic, ``states`` images per tracking state, ``last_heard`` is the
    monotonic time (s) of the last message, ``trajectory_frame`` whose poses are written.
    """

    def __init__(self, writer: RecordingWriter, **node_options: Any) -> None:
        super().__init__("denseba_record", **node_options)
        self.counts: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.last_heard = time.monotonic()
        self.trajectory_frame = "unknown"
        self._writer = writer
        self._tf_buffer = TfBuffer()
        self._mount: CameraMount | None = None
        self._poses, self._keyframes = PoseJoiner(), KeyframeJoiner()
        self._final, self._map_path = FinalPath(), Path()
        self._statistics = StatusStatistics()
        self._timing = TimingProbe(self)
        self._odometry_times: list[tuple[float, int]] = []
        self._listen(TFMessage, "/tf", TF_QOS, self._on_tf)
        self._listen(TFMessage, "/tf_static", STATIC_TF_QOS, self._on_tf)
        self._listen(Path, "map_path", LATCHED_QOS, self._on_map_path)
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
        """Whether somebody publishes on every topic but those that may come later or never."""
        return all(
            subscription.get_publisher_count()
            for subscription in self.subscriptions
            if not subscription.topic_name.endswith(_OPTIONAL)
        )

    def summary(self) -> dict[str, Any]:
        """Counts per topic, image and pose, the timing, and the rate at which odometry came."""
        times = self._odometry_times
        elapsed = times[-1][0] - times[0][0] if len(times) > 1 else 0.0
        span = (times[-1][1] - times[0][1]) / NANOSECONDS if len(times) > 1 else 0.0
        return {
            "pose": "odometry and map",
            "timing": self._timing.timing,
            "times_real_time": span / elapsed if elapsed > 0 else None,
            "frames": sum(self.states.values()),
            "tracked": self.states["tracking"],
            "initialising": self.states["initialising"],
            "lost": self.states["lost"],
            "dropped": self.states["dropped"],
            "map_started": self.states["tracking"] > 0,
            "keyframes": self._writer.keyframes,
            "poses": {state.value: self._writer.poses.states[state] for state in PoseState},
            "odometry_without_pose": self._poses.without_pose,
            "odometry_left_out": self._writer.poses.left_out,
            "poses_not_in_map": self._writer.poses.not_in_map,
            **self._statistics.summary(),
            "messages": dict(sorted(self.counts.items())),
            "odometry_rate_hz": (len(times) - 1) / elapsed if elapsed > 0 else None,
            "trajectory_frame": self.trajectory_frame,
        }

    def finish(self) -> None:
        """Write what still waits for a transform or a status."""
        if self._mount is None and len(self._poses):
            self.get_logger().warning(
                "TF never connected the base and the camera: writing the poses of the base"
            )
            self.trajectory_frame = "base"
            self._mount = CameraMount(np.eye(4))
        self._write(at_end=True)
        if self._mount is not None and self._map_path.poses:
            keyframes = {
                stamp_to_ns(one.header.stamp): self._mount.T_world_camera(pose_from_msg(one.pose))
                for one in self._map_path.poses
            }
            self._writer.write_final(self._final.corrected(keyframes))

    def _on_map_path(self, message: Path) -> None:
        """The keyframes of the map as they are known by now."""
        self._map_path = message

    def _on_tf(self, message: TFMessage) -> None:
        if self._mount is not None:
            return
        for t in message.transforms:
            self._tf_buffer.set(
                t.header.frame_id, t.child_frame_id, transform_from_msg(t.transform)
            )

    def _on_output(self, name: str, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        if name == "status":
            self.states[message.status[0].message] += 1
            self._statistics.add(status_values(message))
            self._timing.look()
            self._poses.add_status(message)
        elif name == "odometry":
            self._odometry_times.append((time.monotonic(), stamp_ns))
            self._poses.add_odometry(message)
        elif name == "points":
            self._keyframes.add_points(stamp_ns, message)
        elif name == "depth/camera_info":
            self._keyframes.add_camera(stamp_ns, message)
        if self._mount is not None or self._find_mount():
            self._write()

    def _find_mount(self) -> bool:
        """base -> camera, once an odometry and a camera_info have named the two frames."""
        base, camera = self._poses.base_frame(), self._keyframes.camera_frame
        if base is not None and camera is not None:
            T_base_camera = self._tf_buffer.lookup(base, camera)
            if T_base_camera is not None:
                self._mount = CameraMount(T_base_camera)
                self.trajectory_frame = "camera"
        return self._mount is not None

    def _write(self, *, at_end: bool = False) -> None:
        """Write the poses and keyframes all of whose parts are there."""
        if self._mount is not None:
            for pose in self._poses.take(self._mount, at_end=at_end):
                self._writer.poses.add_pose(pose)
                if pose.state is PoseState.TRACKED:
                    self._final.add(pose.stamp_ns, pose.T_odom_camera)
                if pose.T_map_camera is not None:
                    self._keyframes.add_pose(pose.stamp_ns, pose.T_map_camera)
        for keyframe in self._keyframes.take():
            self._writer.add_keyframe(keyframe)
