"""Counts of what a node received, processed and dropped, and how long that took."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from statistics import median

from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.state.metric_scale import MetricScale


@dataclass(frozen=True)
class HealthReport:
    """Totals since the process started, and what happened since the last report."""

    received: int
    processed: int
    drops: dict[str, int]
    new_drops: dict[str, int]
    received_rate: float
    processed_rate: float
    seconds: dict[str, float]
    """Median seconds per stage since the last report."""
    latency: tuple[float, float]
    """Seconds from an image's arrival to its outputs: median and largest since the last report."""
    tracking: Tracking | None
    reason: str
    keyframes: int
    resets: int
    session: int
    """When the process started, seconds since 1970: another one is a new odometry frame too."""
    gaps: int
    without_depth: int
    """Images for which the depth camera's depth was missing."""
    quality: float
    metric_scale: MetricScale | None
    """None before the first estimate."""
    imu: ImuStatus | None
    lost_seconds: float
    """By the images' stamps; 0 while tracking."""
    image_problem: str
    """What is wrong with the images' content, empty when nothing is."""
    paused: bool
    lifecycle: str


@dataclass
class _Totals:
    received: int = 0
    processed: int = 0
    keyframes: int = 0
    resets: int = 0
    gaps: int = 0
    without_depth: int = 0
    drops: Counter[str] = field(default_factory=Counter)


class Health:
    """Written by the callbacks and the worker, read once a second; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals = _Totals()
        self._reported = _Totals()
        self._reported_at = time.monotonic()
        self._seconds: dict[str, list[float]] = {}
        self._latencies: list[float] = []
        self._forget()
        self.paused = False
        self.lifecycle = ""
        self.session = int(time.time())

    def _forget(self) -> None:
        self._tracking: Tracking | None = None
        self._reason = self._image_problem = ""
        self._quality = 0.0
        self._metric_scale: MetricScale | None = None
        self._imu: ImuStatus | None = None
        self._stamp_ns = 0
        self._lost_since_ns: int | None = None

    @property
    def resets(self) -> int:
        """How often a new odometry frame began since the process started."""
        return self._totals.resets

    def received(self) -> None:
        """One message arrived."""
        with self._lock:
            self._totals.received += 1

    def dropped(self, reason: str, count: int = 1) -> None:
        """Images were not processed; ``reason`` is a short name, the same for the same cause."""
        with self._lock:
            self._totals.drops[reason] += count

    def processed(self, seconds: dict[str, float], estimate: Estimate | None = None) -> None:
        """One image went through all stages; ``seconds`` that each took, by its name."""
        with self._lock:
            self._totals.processed += 1
            for stage, value in seconds.items():
                self._seconds.setdefault(stage, []).append(value)
            if estimate is not None:
                self._totals.keyframes += estimate.is_keyframe
                self._tracking, self._reason = estimate.counts_as, estimate.reason
                self._quality, self._stamp_ns = estimate.quality, estimate.stamp_ns
                self._metric_scale, self._imu = estimate.metric_scale, estimate.imu
                if estimate.tracking is not Tracking.LOST:
                    self._lost_since_ns = None
                elif self._lost_since_ns is None:
                    self._lost_since_ns = estimate.stamp_ns

    def took(self, stage: str, seconds: float) -> None:
        """Something beside the estimate of an image took so long."""
        with self._lock:
            self._seconds.setdefault(stage, []).append(seconds)

    def latency(self, seconds: float) -> None:
        """The outputs of an image were published so many seconds after it arrived."""
        with self._lock:
            self._latencies.append(seconds)

    def gap(self) -> None:
        """A long time passed between two images."""
        with self._lock:
            self._totals.gaps += 1

    def without_depth(self) -> None:
        """An image came without the depth that belongs to it."""
        with self._lock:
            self._totals.without_depth += 1

    def image_problem(self, problem: str) -> None:
        """What is wrong with the content of the newest image, empty when nothing is."""
        self._image_problem = problem

    def reset(self) -> None:
        """A new odometry frame begins."""
        with self._lock:
            self._totals.resets += 1
            self._totals.keyframes = 0
            self._forget()

    def report(self) -> HealthReport:
        """Totals, and rates since the last call."""
        with self._lock:
            elapsed = max(time.monotonic() - self._reported_at, 1e-3)
            totals, reported = self._totals, self._reported
            report = HealthReport(
                received=totals.received,
                processed=totals.processed,
                drops=dict(totals.drops),
                new_drops=dict(totals.drops - reported.drops),
                received_rate=(totals.received - reported.received) / elapsed,
                processed_rate=(totals.processed - reported.processed) / elapsed,
                seconds={stage: median(values) for stage, values in self._seconds.items()},
                tracking=self._tracking,
                reason=self._reason,
                keyframes=totals.keyframes,
                resets=totals.resets,
                session=self.session,
                gaps=totals.gaps,
                without_depth=totals.without_depth,
                latency=(median(self._latencies), max(self._latencies))
                if self._latencies
                else (0.0, 0.0),
                quality=self._quality,
                metric_scale=self._metric_scale,
                imu=self._imu,
                lost_seconds=self._lost_seconds(),
                image_problem=self._image_problem,
                paused=self.paused,
                lifecycle=self.lifecycle,
            )
            self._reported = replace(totals, drops=Counter(totals.drops))
            self._reported_at += elapsed
            self._seconds, self._latencies = {}, []
            return report

    def _lost_seconds(self) -> float:
        if self._lost_since_ns is None:
            return 0.0
        return (self._stamp_ns - self._lost_since_ns) * 1e-9
