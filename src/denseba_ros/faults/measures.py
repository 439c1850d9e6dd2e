"""Measures of a run: silence, jumps, recovery. Plain arrays and times, no ROS."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Heard:
    """One received odometry message: arrival ``at`` (monotonic s), stamp, pose T_odom_base ``T``
    (4, 4), velocity (3,) of the base in its own axes, and the larger variance of x and y."""

    at: float
    stamp_ns: int
    T: np.ndarray
    velocity: np.ndarray
    variance: float


@dataclass(frozen=True)
class State:
    """One per-image status: arrival ``at`` (monotonic s), stamp, state, number of announced resets
    until then, and the node's session: another session is an announced reset, too."""

    at: float
    stamp_ns: int
    state: str
    reason: str
    resets: int
    session: int = 0

    @property
    def is_tracked(self) -> bool:
        """Whether the pose of the image is measured."""
        return self.state == "tracking" and not self.reason


@dataclass(frozen=True)
class Sent:
    """One image of the scripted camera: monotonic time ``at``, stamp, number of its window, and
    ``place``, its index in the sequence."""

    at: float
    stamp_ns: int
    window: int
    place: int


def longest_silence(sent: Sequence[Sent], odometry: Sequence[Heard]) -> float:
    """Longest time in seconds from an image to the next odometry, after the first odometry; 0
    without images."""
    if not odometry:
        return float("inf") if sent else 0.0
    arrivals = [message.at for message in odometry]
    longest = 0.0
    for image in sent:
        if arrivals[0] <= image.at <= arrivals[-1]:
            longest = max(longest, arrivals[bisect_left(arrivals, image.at)] - image.at)
    return longest


def longest_pause(arrivals: Sequence[float]) -> float:
    """Longest time in seconds between two arrivals."""
    return max((after - before for before, after in pairwise(arrivals)), default=0.0)


def largest_jump(
    odometry: Sequence[Heard],
    states: Sequence[State],
    sent: Sequence[Sent],
    positions: np.ndarray,
) -> float:
    """Metres by which a step of the odometry is longer than twice the camera's true step.

    Twice, because the scale is approximate after tracking was lost, which must not count as a jump.

    ``positions`` (N, 3) are the true ones by index of the image; the odometry's scale is that of
    its whole path against the true one. Steps over announced resets do not count.
    """
    places = {image.stamp_ns: image.place for image in sent}
    frames = {state.stamp_ns: (state.session, state.resets) for state in states}
    steps, truths = [0.0], [0.0]
    for before, after in pairwise(odometry):
        known = before.stamp_ns in places and after.stamp_ns in places
        announced = after.stamp_ns < before.stamp_ns or _reset_between(
            frames, before.stamp_ns, after.stamp_ns
        )
        if announced or not (known and before.T.any() and after.T.any()):
            continue
        step = positions[places[after.stamp_ns]] - positions[places[before.stamp_ns]]
        steps.append(float(np.linalg.norm(after.T[:3, 3] - before.T[:3, 3])))
        truths.append(float(np.linalg.norm(step)))
    scale = sum(steps) / max(sum(truths), 1e-9)
    return max(float((np.array(steps) - 2.0 * scale * np.array(truths)).max()), 0.0)


def _reset_between(frames: dict[int, tuple[int, int]], before_ns: int, after_ns: int) -> bool:
    """Whether another odometry frame began; unknown stamps (no status) count as the same."""
    known = before_ns in frames and after_ns in frames
    return known and frames[before_ns] != frames[after_ns]


def recoveries(
    sent: Sequence[Sent], states: Sequence[State], is_usable: Sequence[bool]
) -> list[float]:
    """Seconds from the first usable image after each unusable window until one is tracked.

    ``is_usable`` by number of the window; infinite if no image is tracked afterwards.
    """
    times = []
    for window, usable in enumerate(is_usable):
        if not usable or window == 0 or is_usable[window - 1]:
            continue
        first = next((image for image in sent if image.window == window), None)
        if first is None:
            continue
        # A status that was under way when the window began is not a recovery.
        stamps = {image.stamp_ns for image in sent if image.window >= window}
        done = [s.at for s in states if s.is_tracked and s.stamp_ns in stamps]
        times.append(done[0] - first.at if done else float("inf"))
    return times


def read_sent(text: str) -> list[Sent]:
    """Parse the scripted camera's log."""
    rows = [line.split() for line in text.splitlines()]
    return [Sent(float(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in rows]
