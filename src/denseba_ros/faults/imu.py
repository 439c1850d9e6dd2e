"""The IMU beside the scripted camera: what it feels along the images' path, with faults."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from denseba_ros.imu.noise import ImuNoise
from denseba_ros.sequences.rendering.rendered_sequence import START_NS
from denseba_ros.sequences.simulated_imu.pose_spline import PoseSpline
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_along

RANGE = 0.15
"""Where the gyroscope of ``imu saturation`` ends, rad/s."""
_LEAP_S = 100.0
# Beyond the script, so that its last images are covered.
_AFTER = 1.0
_G = 9.81


@dataclass(frozen=True)
class Sample:
    """``sent`` and ``taken`` are seconds since the script's begin; rad/s, m/s2 along the camera's
    axes."""

    sent: float
    taken: float
    gyroscope: np.ndarray
    accelerometer: np.ndarray


def scheduled(
    windows: Sequence[tuple[str, float]], poses: np.ndarray, fps: float, seed: int = 0
) -> list[Sample]:
    """What is sent in ``windows`` of (fault, seconds) beside images of ``poses`` T_world_camera
    (N, 4, 4) forth and back at ``fps`` Hz; samples at 200 Hz."""
    seconds = sum(length for _, length in windows) + _AFTER
    count = math.ceil(seconds * fps) + 2
    back = np.concatenate([poses[:-1], poses[:0:-1]])
    path = PoseSpline(np.arange(count) / fps, np.stack(list(islice(cycle(back), count))))
    felt = simulate_along(path.poses, seconds, ImuModel(noise=ImuNoise()), seed).samples
    taken = (felt.stamp_ns - START_NS) * 1e-9
    samples, begin, leap = [], 0.0, 0.0
    for fault, length in [*windows, ("good", _AFTER)]:
        leap += _LEAP_S if fault == "imu clock" else 0.0
        inside = np.nonzero((taken >= begin) & (taken < begin + length))[0]
        for i in inside:
            values = (felt.gyroscope[i], felt.accelerometer[i])
            samples += _faulty(fault, float(taken[i]), begin + length, leap, *values)
        begin += length
    return samples


def _faulty(
    fault: str, taken: float, end: float, leap: float, rate: np.ndarray, force: np.ndarray
) -> list[Sample]:
    """None or one; ``end`` of the window."""
    sent = end if fault == "imu burst" else taken
    if fault == "imu saturation":
        rate = np.clip(rate, -RANGE, RANGE)
    if fault == "imu units":
        rate, force = np.degrees(rate), force / _G
    return [] if fault == "imu cut" else [Sample(sent, taken + leap, rate, force)]


def play(
    samples: Sequence[Sample],
    publish: Callable[[int, np.ndarray, np.ndarray], None],
    started_ns: int,
    stop: threading.Event,
) -> None:
    """Publish stamp (ns), gyroscope and accelerometer in real time, from ``started_ns`` since 1970
    and now, until all were or ``stop`` is set."""
    started = time.monotonic()
    for sample in samples:
        if stop.wait(max(started + sample.sent - time.monotonic(), 0.0)):
            return
        stamp_ns = started_ns + round(sample.taken * 1e9)
        publish(stamp_ns, sample.gyroscope, sample.accelerometer)
