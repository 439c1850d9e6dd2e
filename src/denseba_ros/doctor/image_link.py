"""Sender and receiver of images, to measure their loss and latency.

``python -m denseba_ros.doctor.image_link send|receive COUNT RATE`` is one end: the sender waits for
the receiver, sends, and prints ``{"sent": n}``; the receiver counts until its standard input is
closed, and prints ``{"received": n, "latencies": [seconds, ...]}``.
"""

from __future__ import annotations

import array
import json
import os
import sys
import threading
import time
from typing import Any

TOPIC = "denseba_doctor/image"
HEIGHT, WIDTH = 480, 640
WARM_UP = 10
"""Images before the measured ones: the first may be sent before discovery is complete."""
MATCH_SECONDS = 10.0
QUEUE = 10


def send(count: int, rate: float) -> int:
    """Send ``WARM_UP + count`` bgr8 images at ``rate`` Hz, best effort; returns ``count``.

    0 when no receiver appeared within ``MATCH_SECONDS``.
    """
    import rclpy
    from sensor_msgs.msg import Image

    node = rclpy.create_node("denseba_doctor_sender")
    publisher = node.create_publisher(Image, TOPIC, _best_effort())
    deadline = time.monotonic() + MATCH_SECONDS
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > deadline:
            return 0
        time.sleep(0.02)
    message = Image(height=HEIGHT, width=WIDTH, encoding="bgr8", step=3 * WIDTH)
    message.data = array.array("B", os.urandom(HEIGHT * WIDTH * 3))
    start = time.monotonic() + 0.2
    for index in range(-WARM_UP, count):
        time.sleep(max(0.0, start + (index + WARM_UP) / rate - time.monotonic()))
        message.header.frame_id = str(index)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.time_ns(), 10**9)
        publisher.publish(message)
    return count


def receive() -> dict[str, Any]:
    """Count the measured images and their latencies in seconds, until standard input closes."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import Image

    latencies: dict[int, float] = {}

    def on_image(message: Any) -> None:
        sent = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        if int(message.header.frame_id) >= 0:
            latencies[int(message.header.frame_id)] = (time.time_ns() - sent) * 1e-9

    node = rclpy.create_node("denseba_doctor_receiver")
    node.create_subscription(Image, TOPIC, on_image, _best_effort())
    closed = threading.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(closed,), daemon=True).start()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not closed.is_set():
        executor.spin_once(timeout_sec=0.1)
    return {"received": len(latencies), "latencies": list(latencies.values())}


def _best_effort() -> Any:
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    return QoSProfile(depth=QUEUE, reliability=ReliabilityPolicy.BEST_EFFORT)


def _wait_for_end_of_input(closed: threading.Event) -> None:
    sys.stdin.read()
    closed.set()


def main(argv: list[str]) -> int:
    """Run one end; its result goes to standard output as one line of JSON."""
    import rclpy

    role, count, rate = argv[0], int(argv[1]), float(argv[2])
    rclpy.init(args=[])
    try:
        result = {"sent": send(count, rate)} if role == "send" else receive()
    finally:
        rclpy.try_shutdown()
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
