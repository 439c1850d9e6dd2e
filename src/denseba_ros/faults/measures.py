"""Measures of a run: silence, jumps, recovery. Plain arrays and times, no ROS."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.nodes.tools.sent_images import Sent


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
    until then, and the node's session: another session is an announced reset, too. ``T_map_odom``
    (4, 4) is None where the image was dropped."""

    at: float
    stamp_ns: int
    state: str
    reason: str
    resets: int
    session: int = 0
    T_map_odom: np.ndarray | None = None

    @property
    def is_tracked(self) -> bool:
        """Whether the pose of the image is measured."""
        return self.state == "tracking" and not self.reason


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


@dataclass(frozen=True)
class PathErrors:
    """Root mean square position errors in metres after Sim(3) alignment, and how many ``poses``.

    ``odometry`` is of what was heard in odom, ``map`` of the same with map -> odom multiplied in;
    infinite with fewer than three poses.
    """

    odometry: float
    map: float
    poses: int


def path_errors(
    odometry: Sequence[Heard],
    states: Sequence[State],
    sent: Sequence[Sent],
    positions: np.ndarray,
) -> PathErrors:
    """Errors of the tracked and predicted poses in the odometry frame that most of them are in.

    Not of poses while tracking was lost. ``positions`` (N, 3) are the true ones by index of the
    image.
    """
    places = {image.stamp_ns: image.place for image in sent}
    by_stamp = {state.stamp_ns: state for state in states}
    frames: dict[tuple[int, int], list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
    frame, T_map_odom = (0, 0), np.eye(4)
    for message in odometry:
        state = by_stamp.get(message.stamp_ns)
        if state is not None and state.T_map_odom is not None:
            frame, T_map_odom = (state.session, state.resets), state.T_map_odom
        is_lost = state is not None and state.state in ("lost", "initialising")
        if is_lost or message.stamp_ns not in places or not message.T.any():
            continue
        pair = (message.T[:3, 3], (T_map_odom @ message.T)[:3, 3])
        frames.setdefault(frame, []).append((*pair, positions[places[message.stamp_ns]]))
    longest = max(frames.values(), key=len, default=[])
    in_odom, in_map, truth = (
        np.array([row[k] for row in longest]).reshape(-1, 3) for k in range(3)
    )
    return PathErrors(_rmse(in_odom, truth), _rmse(in_map, truth), len(longest))


def _rmse(path: np.ndarray, truth: np.ndarray) -> float:
    """Error of positions (N, 3) after alignment; infinite where they cannot be aligned."""
    try:
        aligned = umeyama(path, truth).points(path)
    except TrajectoryError:
        return float("inf")
    return float(np.sqrt(np.mean(np.sum((aligned - truth) ** 2, axis=1))))


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
