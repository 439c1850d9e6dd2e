"""The frontend's side of depth on request: remembers its last images, runs the network on a few."""

from __future__ import annotations

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import torch
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.depth_messages import (
    DEPTH_TOPICS,
    REQUEST_TOPIC,
    depth_to_messages,
)
from denseba_ros.nodes.conversions.stamps import stamp_to_ns

# Two seconds at 30 Hz: a backend asks when it makes a keyframe, and some 20 images may wait before
# one; 75 MB at 640x480.
_REMEMBERED = 60


class DepthOnRequest:
    """Answers requests for the depth of the last images, in a thread of its own.

    Lives from activation to deactivation, which destroys its publishers and subscription.
    """

    def __init__(self, node: Node, throttled: ThrottledLogger) -> None:
        """``throttled`` warns of requests that cannot be answered."""
        self._throttled = throttled
        self._frames: dict[int, FrontendFrame] = {}
        # Stamps whose depth is being computed, or waits for that.
        self._computing: set[int] = set()
        self._lock = threading.Lock()
        self._is_closed = False
        self._executor = ThreadPoolExecutor(1, "denseba depth")
        self._publishers = {
            name: node.create_publisher(kind, f"frontend/{name}", QoSProfile(depth=10))
            for name, kind in DEPTH_TOPICS.items()
        }
        self._requests = node.create_subscription(
            Header, REQUEST_TOPIC, self._on_request, QoSProfile(depth=10)
        )

    @property
    def has_backend(self) -> bool:
        """Whether somebody asks for depth and listens to it."""
        publishers = self._publishers.values()
        is_heard = all(publisher.get_subscription_count() > 0 for publisher in publishers)
        return is_heard and self._requests.get_publisher_count() > 0

    def remember(self, frame: FrontendFrame) -> None:
        """The depth of ``frame`` may be asked for from now on; call before it is published."""
        with self._lock:
            # A recording that is played again brings the same stamps.
            self._frames.pop(frame.stamp_ns, None)
            self._frames[frame.stamp_ns] = frame
            while len(self._frames) > _REMEMBERED:
                del self._frames[next(iter(self._frames))]

    def close(self) -> None:
        """Answer no more; the depth that is being computed is not waited for."""
        self._is_closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _on_request(self, request: Header) -> None:
        stamp_ns = stamp_to_ns(request.stamp)
        with self._lock:
            if self._is_closed or stamp_ns in self._computing:
                return
            frame = self._frames.get(stamp_ns)
            if frame is not None:
                self._computing.add(stamp_ns)
        if frame is None:
            self._throttled.warn(
                "depth of no image",
                f"no depth for a backend: its image ({stamp_ns} ns) is none of the last "
                f"{_REMEMBERED}. Is the backend that far behind, or is there a second one?",
            )
            return
        self._executor.submit(self._answer, frame, request.frame_id)

    def _answer(self, frame: FrontendFrame, frame_id: str) -> None:
        try:
            # The mode is the thread's own: the images were made in another.
            with torch.inference_mode():
                messages = depth_to_messages(frame, frame_id)
            for name, publisher in self._publishers.items():
                publisher.publish(getattr(messages, name))
        except Exception as error:
            # After closing nobody waits for the result, and the publishers may be gone.
            if not self._is_closed:
                text = "".join(traceback.format_exception(error))
                self._throttled.warn("depth failed", f"no depth for a backend:\n{text}")
        finally:
            with self._lock:
                self._computing.discard(frame.stamp_ns)
