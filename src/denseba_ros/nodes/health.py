"""Counts of what a node received, processed and dropped, and how long that took."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from denseba_ros.slam.estimate import Estimate, Tracking


@dataclass(frozen=True)
class HealthReport:
    """Totals since the start and what happened since the last report."""

    received: int
    processed: int
    drops: dict[str, int]
    new_drops: dict[str, int]
    received_rate: float
    processed_rate: float
    seconds: dict[str, float]
    """Median per stage since the last report."""
    tracking: Tracking | None
    reason: str
    keyframes: int
    resets: int
    paused: bool


@dataclass
class _Totals:
    received: int = 0
    processed: int = 0
    keyframes: int = 0
    resets: int = 0
    drops: Counter[str] = field(default_factory=Counter)


class Health:
    """Written by the callbacks and the worker, read once a second; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = _Totals()
        self._then = _Totals()
        self._reported_at = time.monotonic()
        self._seconds: dict[str, list[float]] = {}
        self._tracking: Tracking | None = None
        self._reason = ""
        self.paused = False

    def received(self) -> None:
        """One message arrived."""
        with self._lock:
            self._now.received += 1

    def dropped(self, reason: str, count: int = 1) -> None:
        """Images were not processed; ``reason`` is a short name, the same for the same cause."""
        with self._lock:
            self._now.drops[reason] += count

    def processed(self, seconds: dict[str, float], estimate: Estimate | None = None) -> None:
        """One image went through all stages."""
        with self._lock:
            self._now.processed += 1
            for stage, value in seconds.items():
                self._seconds.setdefault(stage, []).append(value)
            if estimate is not None:
                self._now.keyframes += estimate.is_keyframe
                self._tracking, self._reason = estimate.tracking, estimate.reason

    def reset(self) -> None:
        """The odometry starts anew."""
        with self._lock:
            self._now.resets += 1
            self._now.keyframes = 0
            self._tracking, self._reason = None, ""

    def report(self) -> HealthReport:
        """Totals, and rates since the last call."""
        with self._lock:
            elapsed = max(time.monotonic() - self._reported_at, 1e-3)
            now, then = self._now, self._then
            report = HealthReport(
                received=now.received,
                processed=now.processed,
                drops=dict(now.drops),
                new_drops=dict(now.drops - then.drops),
                received_rate=(now.received - then.received) / elapsed,
                processed_rate=(now.processed - then.processed) / elapsed,
                seconds={stage: median(values) for stage, values in self._seconds.items()},
                tracking=self._tracking,
                reason=self._reason,
                keyframes=now.keyframes,
                resets=now.resets,
                paused=self.paused,
            )
            self._then = _Totals(
                now.received, now.processed, now.keyframes, now.resets, Counter(now.drops)
            )
            self._reported_at += elapsed
            self._seconds = {}
            return report
