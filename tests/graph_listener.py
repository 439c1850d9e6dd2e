"""An independent subscriber: writes what a denseba graph publishes into one file.

Knows nothing of denseba_ros but the names of its topics, as a stranger's program would.
``python graph_listener.py outputs|images FILE`` prints "listening" once it is connected and
writes FILE at SIGINT.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

import numpy as np
import rclpy
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage


def nanoseconds(header: Any) -> int:
    return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec


def pose_row(header: Any, position: Any, orientation: Any) -> list[float]:
    """Position and quaternion x, y, z, w."""
    return [
        *(position.x, position.y, position.z),
        *(orientation.x, orientation.y, orientation.z, orientation.w),
    ]


class OutputListener(Node):
    """Odometry, TF odom -> base_link and depth."""

    def __init__(self) -> None:
        super().__init__("stranger")
        self.stamps: dict[str, list[int]] = {"odometry": [], "tf": [], "depth": []}
        self.rows: dict[str, list[Any]] = {"odometry": [], "tf": [], "depth": []}
        self.frames: set[str] = set()
        for kind, name, arrived in (
            (Odometry, "odometry", self.on_odometry),
            (TFMessage, "/tf", self.on_tf),
            (Image, "depth/image", self.on_depth),
        ):
            self.create_subscription(kind, name, arrived, 200)

    def on_odometry(self, message: Odometry) -> None:
        pose = message.pose.pose
        self.stamps["odometry"].append(nanoseconds(message.header))
        self.rows["odometry"].append(pose_row(message.header, pose.position, pose.orientation))
        self.frames.add(f"odometry {message.header.frame_id} {message.child_frame_id}")

    def on_tf(self, message: TFMessage) -> None:
        for t in message.transforms:
            self.frames.add(f"tf {t.header.frame_id} {t.child_frame_id}")
            if t.child_frame_id == "base_link":
                self.stamps["tf"].append(nanoseconds(t.header))
                row = pose_row(t.header, t.transform.translation, t.transform.rotation)
                self.rows["tf"].append(row)

    def on_depth(self, message: Image) -> None:
        assert message.encoding == "32FC1"
        depth = np.frombuffer(message.data, np.float32).reshape(message.height, message.width)
        self.stamps["depth"].append(nanoseconds(message.header))
        self.rows["depth"].append(depth)

    def save(self, file: str) -> None:
        arrays = {name: np.array(rows, np.float64) for name, rows in self.rows.items()}
        stamps = {f"{name}_stamps": np.array(s, np.int64) for name, s in self.stamps.items()}
        np.savez(file, frames=sorted(self.frames), **arrays, **stamps)


class ImageListener(Node):
    """Colour images, best effort, as a camera is usually listened to."""

    def __init__(self) -> None:
        super().__init__("stranger")
        self.stamps: list[int] = []
        qos = QoSProfile(depth=200, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(Image, "image", self.on_image, qos)
        # The player waits for a listener to each of its topics.
        from sensor_msgs.msg import CameraInfo

        self.create_subscription(CameraInfo, "camera_info", lambda _: None, qos)

    def on_image(self, message: Image) -> None:
        assert (message.encoding, len(message.data)) == ("bgr8", 640 * 480 * 3)
        self.stamps.append(nanoseconds(message.header))

    def save(self, file: str) -> None:
        np.savez(file, stamps=np.array(self.stamps, np.int64))


def main() -> None:
    kind, file = sys.argv[1:3]
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = OutputListener() if kind == "outputs" else ImageListener()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    connected = False
    while not stop.is_set():
        executor.spin_once(timeout_sec=0.1)
        found = all(s.get_publisher_count() for s in node.subscriptions)
        if not connected and (found or kind == "images"):
            print("listening", flush=True)
            connected = True
    node.save(file)
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
