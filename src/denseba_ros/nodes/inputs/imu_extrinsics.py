"""Where the camera sits on the IMU, by TF: where the parameters do not tell it."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from denseba_ros.errors import DensebaError
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS, TF_QOS
from denseba_ros.nodes.inputs.tf_buffer import TfBuffer


class ImuExtrinsics:
    """Listens to TF until it connects IMU and camera; both are rigidly mounted, so once counts."""

    def __init__(self, node: Node) -> None:
        self._buffer, self._is_found = TfBuffer(), False
        self._log = node.get_logger()
        self._subscriptions = [
            node.create_subscription(TFMessage, "/tf", self._on_tf, TF_QOS),
            node.create_subscription(TFMessage, "/tf_static", self._on_tf, STATIC_TF_QOS),
        ]

    def take(self, imu_frame: str, camera_frame: str) -> np.ndarray | None:
        """T_imu_camera (4, 4) in metres, once; None before TF tells it, and after it was taken.

        An IMU without a frame, or in that of the camera, tells nothing: that is not believed.
        """
        if self._is_found or not imu_frame or imu_frame == camera_frame:
            return None
        try:
            T = self._buffer.lookup(imu_frame, camera_frame)
        except DensebaError as error:
            self._log.warning(f"TF from {imu_frame} to {camera_frame}: {error}", once=True)
            return None
        if T is None:
            return None
        self._is_found = True
        self._log.info(f"IMU: T_imu_camera is that of TF from {imu_frame} to {camera_frame}")
        return T

    def _on_tf(self, message: TFMessage) -> None:
        if not self._is_found:
            self._buffer.take(message, lambda text: self._log.warning(text, once=True))
