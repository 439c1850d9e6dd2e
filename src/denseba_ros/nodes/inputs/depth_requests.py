"""The backend's side of depth on request: a prior that asks the frontend when it is needed."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from functools import partial

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from torch import Tensor

from denseba_ros.errors import ImageError
from denseba_ros.frontend.depth.constant_depth import DepthModel
from denseba_ros.frontend.frame import DepthPrior
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.depth_messages import (
    DEPTH_TOPICS,
    REQUEST_TOPIC,
    DepthMessages,
    depth_from_messages,
)
from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns

# Several times what the depth network takes on a slow CPU.
_WAIT_SECONDS = 0.8


@dataclass
class _Pending:
    """A request without an answer yet, and the parts of one that came."""

    answer: Future[DepthMessages] = field(default_factory=Future)
    parts: dict[str, Image] = field(default_factory=dict)


class DepthRequests:
    """Asks for the depth of an image on its first access, and waits for it.

    Answers come in the executor's thread; any other may wait. Without a usable answer the depth is
    that of ``fallback``, with a warning. Lives from activation to deactivation; once it is closed,
    priors that were not computed yet are the fallback's too.
    """

    def __init__(
        self,
        node: Node,
        fallback: DepthModel,
        throttled: ThrottledLogger,
        wait_seconds: float = _WAIT_SECONDS,
        is_measured: bool = False,
    ) -> None:
        """``wait_seconds``: how long an answer is waited for; ``is_measured``: by a sensor."""
        self._is_measured = is_measured
        self._fallback, self._throttled, self._wait_seconds = fallback, throttled, wait_seconds
        self._pending: dict[int, _Pending] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._publisher = node.create_publisher(Header, REQUEST_TOPIC, QoSProfile(depth=10))
        for name, kind in DEPTH_TOPICS.items():
            node.create_subscription(
                kind, f"frontend/{name}", partial(self._on_message, name), QoSProfile(depth=10)
            )

    @property
    def has_frontend(self) -> bool:
        """Whether somebody listens to requests."""
        return bool(self._publisher.get_subscription_count() > 0)

    def prior(
        self, stamp_ns: int, frame_id: str, image: Tensor, calibration: Calibration
    ) -> DepthPrior:
        """Depth of the image (1, 1, H, W) of ``calibration`` that came with this stamp."""
        return DepthPrior(
            lambda: self._depth(stamp_ns, frame_id, image, calibration), self._is_measured
        )

    def close(self) -> None:
        """Let nobody wait any more, now or later."""
        with self._lock:
            self._is_closed = True
            for pending in self._pending.values():
                pending.answer.cancel()
            self._pending.clear()

    # -- the thread that needs a depth ----------------------------------------------------------

    def _depth(
        self, stamp_ns: int, frame_id: str, image: Tensor, calibration: Calibration
    ) -> tuple[Tensor, Tensor]:
        try:
            return depth_from_messages(self._ask(stamp_ns, frame_id), image.device)
        except CancelledError:
            pass  # The node is being stopped.
        except TimeoutError as error:
            self._warn("no depth", str(error))
        except ImageError as error:
            self._warn("bad depth", f"the frontend's depth is unusable: {error}")
        return self._fallback.predict(image, calibration)

    def _warn(self, cause: str, text: str) -> None:
        self._throttled.warn(cause, f"{text}; this keyframe begins with a constant depth")

    def _ask(self, stamp_ns: int, frame_id: str) -> DepthMessages:
        """The answer of the frontend.

        Raises:
            TimeoutError: when none comes in time.
            CancelledError: when the node is stopped meanwhile.
        """
        with self._lock:
            if self._is_closed:
                raise CancelledError
            if not self.has_frontend:
                raise TimeoutError(f"no frontend_node listens to {REQUEST_TOPIC}")
            pending = self._pending[stamp_ns] = _Pending()
            self._publisher.publish(make_header(stamp_ns, frame_id))
        try:
            return pending.answer.result(self._wait_seconds)
        except TimeoutError:
            text = f"no depth of an image from frontend_node within {self._wait_seconds:g} s"
            raise TimeoutError(text) from None
        finally:
            with self._lock:
                self._pending.pop(stamp_ns, None)

    # -- the executor's thread -----------------------------------------------------------------

    def _on_message(self, name: str, message: Image) -> None:
        """Collect the two parts of an answer; those of other stamps are not for us, or late."""
        stamp_ns = stamp_to_ns(message.header.stamp)
        with self._lock:
            pending = self._pending.get(stamp_ns)
            if pending is None:
                return
            pending.parts[name] = message
            if pending.parts.keys() == DEPTH_TOPICS.keys():
                del self._pending[stamp_ns]
                pending.answer.set_result(DepthMessages(**pending.parts))
