"""Publishes a sequence as a camera would: images, camera_info, its IMU and the time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from denseba_ros.errors import DensebaError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import compressed_image_to_msg, encoded_image_to_msg
from denseba_ros.nodes.conversions.stamps import NANOSECONDS, stamp_from_ns, stamp_to_ns
from denseba_ros.nodes.tools.imu_player import ImuPlayer
from denseba_ros.nodes.tools.player_options import PLAYER_NODE, PlayerOptions
from denseba_ros.nodes.tools.sent_images import SentLog
from denseba_ros.sequences.sequence import StampedImage

_CLOCK_PERIOD = 0.02
# Seconds of waiting after which the user is told for what.
_SAYS_AFTER = 3.0
# A subscriber may know of us a moment after we know of it.
_SETTLE_SECONDS = 0.3


@dataclass
class PlayReport:
    """What was published, and how late each image was, in seconds."""

    published: int = 0
    dropped: int = 0
    seconds: float = 0.0
    lateness: list[float] = field(default_factory=list)

    def text(self) -> str:
        """One line for the user."""
        rate = self.published / self.seconds if self.seconds else 0.0
        line = f"published {self.published} images in {self.seconds:.1f} s ({rate:.1f} Hz)"
        if self.lateness:
            median, p95, most = 1000 * np.percentile(self.lateness, [50, 95, 100])
            line += f"; late by {median:.1f} ms (median), {p95:.1f} (95 %), {most:.1f} (most)"
        if self.dropped:
            line += f"; the node dropped {self.dropped} of them"
        return line


class Player(Node):
    """One camera, with the samples of the ``imu`` beside it, on which it sits at ``T_imu_camera``
    (4, 4) in metres, None where that is not known. ``stop`` ends it between two images.

    Raises:
        DensebaError: when nobody subscribes, or in lockstep nobody answers, within the limit.
    """

    def __init__(
        self,
        calibration: Calibration,
        options: PlayerOptions,
        stop: threading.Event,
        imu: ImuSamples | None = None,
        T_imu_camera: np.ndarray | None = None,
        **node: Any,
    ) -> None:
        super().__init__(PLAYER_NODE, **node)
        self._calibration, self._options, self._stop = calibration, options, stop
        kind, suffix = (CompressedImage, "/compressed") if options.compressed else (Image, "")
        qos = QoSProfile(depth=10)
        self._images = self.create_publisher(
            kind, self.resolve_topic_name(options.image_topic) + suffix, qos
        )
        self._infos = self.create_publisher(CameraInfo, options.info_topic, qos)
        self._clock_publisher = (
            self.create_publisher(Clock, "/clock", 10) if options.publish_clock else None
        )
        self._imu = None if imu is None else ImuPlayer(self, imu, options, T_imu_camera)
        self._answered: dict[int, str] = {}
        self._held: set[int] = set()
        self._dropped_later = 0
        self._answers = (
            self.create_subscription(DiagnosticArray, "status", self._status_arrived, 100)
            if options.lockstep
            else None
        )
        if options.lockstep:
            self.create_subscription(DiagnosticArray, "status/held", self._held_arrived, 100)
        self._executor_of_ours = SingleThreadedExecutor()
        self._executor_of_ours.add_node(self)

    def play(self, frames: Iterable[StampedImage]) -> PlayReport:
        """Publish all ``frames`` with their own stamps."""
        self._wait_for_subscribers()
        report = PlayReport()
        file = self._options.sent_log
        started = time.monotonic()
        if self._imu is not None:
            self._imu.rewind()
        with SentLog(Path(file)) if file else nullcontext() as log:
            for frame, due in self._with_due_times(frames):
                self._wait_until(due, frame.stamp_ns)
                if self._stop.is_set():
                    break
                self._play_one(frame, due, report, log)
        self._images.wait_for_all_acked(Duration(seconds=2.0))
        report.seconds = time.monotonic() - started
        report.dropped += self._dropped_later
        return report

    def _play_one(
        self, frame: StampedImage, due: float, report: PlayReport, log: SentLog | None
    ) -> None:
        if self._options.rate > 0 and not self._options.lockstep:
            report.lateness.append(max(0.0, time.monotonic() - due))
        self._publish(frame, log)
        report.published += 1
        if self._options.lockstep:
            report.dropped += self._wait_for_status(frame.stamp_ns) == "dropped"

    def _with_due_times(
        self, frames: Iterable[StampedImage]
    ) -> Iterator[tuple[StampedImage, float]]:
        """Each frame with the monotonic time at which it should be published."""
        first: int | None = None
        started = 0.0
        for frame in frames:
            if first is None:
                first, started = frame.stamp_ns, time.monotonic()
            rate = self._options.rate
            since = (frame.stamp_ns - first) / NANOSECONDS
            yield frame, started + (since / rate if rate > 0 else 0.0)

    def _wait_until(self, due: float, stamp_ns: int) -> None:
        """Sleep until ``due``, at which time is ``stamp_ns``; the clock runs meanwhile."""
        while not self._stop.is_set() and (left := due - time.monotonic()) > 0:
            if left > _CLOCK_PERIOD and not self._options.lockstep:
                now_ns = stamp_ns - round(left * self._options.rate * NANOSECONDS)
                self._publish_clock(now_ns)
                if self._imu is not None:
                    self._imu.play_until(now_ns)
            self._spin(min(left, _CLOCK_PERIOD))

    def _publish(self, frame: StampedImage, log: SentLog | None) -> None:
        options, stamp_ns = self._options, frame.stamp_ns
        self._publish_clock(stamp_ns)
        if self._imu is not None:
            self._imu.play_until(stamp_ns)
        self._infos.publish(calibration_to_msg(self._calibration, stamp_ns, options.frame_id))
        if options.compressed:
            message = compressed_image_to_msg(
                frame.image, options.compressed, stamp_ns, options.frame_id
            )
        else:
            message = encoded_image_to_msg(
                frame.image, options.encoding, stamp_ns, options.frame_id
            )
        if log is not None:
            log.sending(stamp_ns, frame.index)
        self._images.publish(message)

    def _publish_clock(self, stamp_ns: int) -> None:
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=stamp_from_ns(stamp_ns)))

    def _wait_for_subscribers(self) -> None:
        wanted = self._options.wait_subscribers
        deadline = time.monotonic() + self._options.wait_limit
        says_at = time.monotonic() + _SAYS_AFTER
        while not self._stop.is_set() and (missing := self._missing(wanted)):
            if time.monotonic() > says_at:
                self.get_logger().info(f"waiting: {missing}")
                says_at = math.inf
            if time.monotonic() > deadline:
                raise DensebaError(
                    f"after {self._options.wait_limit:g} s {missing}: is the node "
                    "running, in the same ROS_DOMAIN_ID and namespace?"
                )
            self._spin(0.05)
        if wanted:
            self._spin(_SETTLE_SECONDS)

    def _missing(self, wanted: int) -> str:
        """Who is not there yet, by topic; empty when the first image may go."""
        silent = [
            publisher.topic_name
            for publisher in (self._images, self._infos)
            if publisher.get_subscription_count() < wanted
        ]
        listeners = "nobody listens" if wanted == 1 else f"fewer than {wanted} listen"
        missing = [f"{listeners} to {topic}" for topic in silent]
        if self._answers is not None and self._answers.get_publisher_count() == 0:
            missing.append(f"no node publishes {self._answers.topic_name}, which --lockstep needs")
        return " and ".join(missing)

    def _wait_for_status(self, stamp_ns: int) -> str:
        """What became of the image, as the node's `status` says."""
        deadline = time.monotonic() + self._options.lockstep_limit
        while stamp_ns not in self._answered and not self._stop.is_set():
            if time.monotonic() > deadline:
                raise DensebaError(
                    f"--lockstep waited {self._options.lockstep_limit:g} s for the node to say on "
                    f"{self._answers_topic()} what became of the image of "
                    f"{stamp_ns / NANOSECONDS:.3f} s: the node stopped, is too slow, or waits for "
                    "something itself (its /diagnostics says for what)"
                )
            self._spin(0.05)
        return self._answered.pop(stamp_ns, "")

    def _answers_topic(self) -> str:
        return self._answers.topic_name if self._answers is not None else "status"

    def _status_arrived(self, message: DiagnosticArray) -> None:
        stamp_ns, answer = stamp_to_ns(message.header.stamp), message.status[0].message
        if stamp_ns in self._held:
            # The next image was sent already.
            self._held.discard(stamp_ns)
            self._dropped_later += answer == "dropped"
            return
        self._answered[stamp_ns] = answer

    def _held_arrived(self, message: DiagnosticArray) -> None:
        """The node waits for the next images before it uses this one, whose stamp leaps."""
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._held.add(stamp_ns)
        self._answered[stamp_ns] = "held"

    def _spin(self, seconds: float) -> None:
        """Let messages come in for at most ``seconds``, less when one came."""
        self._executor_of_ours.spin_once(timeout_sec=seconds)
