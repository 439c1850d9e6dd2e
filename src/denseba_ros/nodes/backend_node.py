"""The second of two processes: the frontend's frames in, odometry, TF and depth out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from rclpy.qos import QoSProfile

from denseba_ros.config import Config
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.estimating_node import EstimatingNode
from denseba_ros.nodes.conversions.frontend_messages import (
    TOPICS,
    FrontendMessages,
    frame_from_messages,
)
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.exact_time_sync import ExactTimeSync
from denseba_ros.nodes.outputs.estimate_outputs import KeyframeSource
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.system import System


class FrameSystem(KeyframeSource, Protocol):
    """What the node needs of ``slam.System``."""

    def process_frame(self, frame: FrontendFrame) -> Estimate: ...

    def reset(self) -> None: ...

    def reconfigure(self, config: Config) -> None: ...


@dataclass(frozen=True)
class ReceivedFrame:
    """The joined messages of one image."""

    stamp_ns: int
    frame_id: str
    messages: FrontendMessages


class BackendNode(EstimatingNode[ReceivedFrame]):
    """One ``System`` between the frontend's topics and the outputs."""

    def __init__(
        self, make_odometry: Callable[[Config], FrameSystem] = System, **node_options: Any
    ) -> None:
        super().__init__("denseba_backend", **node_options)
        self._make_odometry = make_odometry
        self._odometry: FrameSystem | None = None
        self._calibration: Calibration | None = None
        self._last_frame = time.monotonic()

    def prepare(self) -> None:
        super().prepare()
        torch.manual_seed(self.config.seed)
        self._odometry = self._make_odometry(self.config)

    def subscribe(self) -> None:
        self._joiner = ExactTimeSync(TOPICS)
        self._last_frame = time.monotonic()
        for name, kind in TOPICS.items():
            arrived = partial(self._part_arrived, name)
            self.create_subscription(kind, f"frontend/{name}", arrived, QoSProfile(depth=10))

    def release(self) -> None:
        self._odometry = self._calibration = None
        super().release()

    def _part_arrived(self, name: str, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        parts, given_up = self._joiner.add(name, stamp_ns, message)
        for stamp in given_up:
            self.health.received()
            self.drop(stamp, "frontend message lost")
        if parts is not None:
            self._last_frame = time.monotonic()
            frame_id = parts["image"].header.frame_id
            self.image_arrived(stamp_ns, frame_id)
            frame = ReceivedFrame(stamp_ns, frame_id, FrontendMessages(**parts))
            self.receive(frame)

    def is_ready(self) -> bool:
        return self.has_mount()

    def process(self, item: ReceivedFrame) -> None:
        mount, odometry = self.mount_of(item.frame_id), self._odometry
        if mount is None or odometry is None:
            self.drop(item.stamp_ns, f"no TF to {item.frame_id}")
            return
        started = time.perf_counter()
        frame = frame_from_messages(item.messages, self.device)
        if self._calibration not in (None, frame.calibration):
            self.restart()
            self.health.reset()
        self._calibration = frame.calibration
        self.take_in_hand(item.stamp_ns)
        odometry.reconfigure(self.wanted())
        with torch.inference_mode():
            estimate = odometry.process_frame(frame)
        self.publish(estimate, odometry, mount, item.frame_id, started)

    def restart(self) -> None:
        if self._odometry is not None:
            self._odometry.reset()
        self.outputs.reset()

    def watch(self) -> None:
        super().watch()
        limit = self.settings.input_timeout
        if time.monotonic() - self._last_frame > limit:
            self.throttled.warn(
                "no frontend", f"nothing complete on frontend/* for {limit:g} s: does it run?"
            )
