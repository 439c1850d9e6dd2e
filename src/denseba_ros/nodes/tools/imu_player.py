"""Publishes the recorded samples of an IMU as the time of the images goes on."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Imu

from denseba_ros.geometry import pose_step
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.nodes.conversions.imu_messages import imu_to_msg
from denseba_ros.nodes.conversions.poses import transform_to_msg
from denseba_ros.nodes.tools.player_options import PlayerOptions

# Samples earlier than this (ns) before the first image are not published.
_BEFORE_NS = 500_000_000


class ImuPlayer:
    """Publishes on ``options.imu_topic``, each sample once, from shortly before the first image;
    where the camera sits on the IMU (``T_imu_camera`` (4, 4), None: unknown) on /tf_static, the IMU
    below the camera, so that a robot's own tree may hold that."""

    def __init__(
        self,
        node: Node,
        samples: ImuSamples,
        options: PlayerOptions,
        T_imu_camera: np.ndarray | None = None,
    ) -> None:
        self._samples, self._frame_id = samples, options.imu_frame_id
        self._next: int | None = None
        self._publisher = node.create_publisher(Imu, options.imu_topic, QoSProfile(depth=1000))
        if T_imu_camera is not None:
            self._publish_extrinsics(node, pose_step.inverse(T_imu_camera), options.frame_id)

    def _publish_extrinsics(self, node: Node, T_camera_imu: np.ndarray, camera: str) -> None:
        # Only here: a player without an IMU does not need tf2_msgs, which has no wheel.
        from tf2_msgs.msg import TFMessage

        from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS

        self._transforms = node.create_publisher(TFMessage, "/tf_static", STATIC_TF_QOS)
        transform = transform_to_msg(T_camera_imu, 0, camera, self._frame_id)
        self._transforms.publish(TFMessage(transforms=[transform]))

    def rewind(self) -> None:
        """The next image is the first again."""
        self._next = None

    def play_until(self, stamp_ns: int) -> None:
        """Publish what has not been up to ``stamp_ns``, and the first sample after it."""
        stamps = self._samples.stamp_ns
        if self._next is None:
            self._next = int(np.searchsorted(stamps, stamp_ns - _BEFORE_NS))
        end = min(int(np.searchsorted(stamps, stamp_ns, side="right")) + 1, len(stamps))
        for k in range(self._next, end):
            self._publisher.publish(
                imu_to_msg(
                    int(stamps[k]),
                    self._samples.gyroscope[k],
                    self._samples.accelerometer[k],
                    self._frame_id,
                )
            )
        self._next = max(self._next, end)
