"""Whether units and axes of an IMU are right, by gravity: how long it is, and how it turns.

Seen from the IMU gravity turns by ``d' = -w x d``. A line through the changes of its direction over
``-w x d`` has the slope 1; 1/57 where the gyroscope is in degrees, and about 0 or -1 where axes
or signs are wrong. Accelerations of the IMU are noise of the direction.
"""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.imu.checks.problems import ImuProblems, Problem

# Samples are averaged over so many seconds; gravity's length is judged after so many blocks.
_BLOCK, _LENGTH_BLOCKS, _TURN_BLOCKS = 0.1, 20, 100
# m/s2: of gravity, and of gravity in g.
_GRAVITY, _G = (7.5, 12.5), (0.7, 1.4)
_NO_GRAVITY = 5.0
# rad/s: no gyroscope of rad/s reads more.
_FASTEST = 60.0
# The slope is judged once its deviation is below the first; below the second it is of degrees.
_SURE, _SURE_DEGREES = 0.08, 0.004
_DEGREES, _RIGHT = (0.008, 0.04), 0.35
# Turns slower than this (rad/s) may be a bias; nothing is judged until gravity turned so far (rad).
_SLOWEST, _TURNED = 0.05, 0.2


class Plausibility:
    """Looks at the samples in their order until everything was judged once."""

    def __init__(self, problems: ImuProblems) -> None:
        self._problems = problems
        self._start_ns: int | None = None
        self._block: list[tuple[float, ...]] = []
        self._lengths: list[float] = []
        self._last: tuple[np.ndarray, np.ndarray, float] | None = None
        self._first_direction: np.ndarray | None = None
        self._has_turned = False
        self._sums = np.zeros(3)  # x.x, x.y, y.y
        self._turn_blocks = 0
        self._length_judged = self._turn_judged = False

    def look(self, stamp_ns: int, gyroscope: tuple[float, ...], force: tuple[float, ...]) -> None:
        """A sample: gyroscope (3,) and accelerometer (3,)."""
        if self._length_judged and self._turn_judged:
            return
        if not self._turn_judged and max(abs(w) for w in gyroscope) > _FASTEST:
            self._turn_judged = True
            self._problems.add(Problem.IN_DEGREES)
        if self._start_ns is None or not 0 <= stamp_ns - self._start_ns < 2e9 * _BLOCK:
            self._start_ns, self._block, self._last = stamp_ns, [], None
        self._block.append((*gyroscope, *force))
        seconds = (stamp_ns - self._start_ns) * 1e-9
        if seconds >= _BLOCK:
            means = np.mean(self._block, axis=0)
            self._start_ns, self._block = stamp_ns, []
            self._look_at_length(float(np.linalg.norm(means[3:])))
            self._look_at_turn(means[:3], means[3:], seconds)

    def _look_at_length(self, length: float) -> None:
        if self._length_judged:
            return
        self._lengths.append(length)
        if len(self._lengths) < _LENGTH_BLOCKS:
            return
        self._length_judged = True
        median = float(np.median(self._lengths))
        detail = f"{median:.2f}"
        if _G[0] < median < _G[1]:
            self._problems.add(Problem.IN_G, detail=detail)
        elif median < _NO_GRAVITY:
            self._problems.add(Problem.NO_GRAVITY, detail=detail)
        elif not _GRAVITY[0] < median < _GRAVITY[1]:
            self._problems.add(Problem.UNKNOWN_UNIT, detail=detail)

    def _look_at_turn(self, rate: np.ndarray, force: np.ndarray, seconds: float) -> None:
        length = float(np.linalg.norm(force))
        if self._turn_judged or length == 0.0:
            return
        direction = force / length
        if self._first_direction is None:
            self._first_direction = direction
        self._has_turned |= bool(np.linalg.norm(direction - self._first_direction) > _TURNED)
        if self._last is not None:
            last_rate, last_direction, last_seconds = self._last
            t = 0.5 * (seconds + last_seconds)
            middle = direction + last_direction
            x = -np.cross(0.5 * (rate + last_rate), 0.5 * middle) * t
            y = direction - last_direction
            if x @ x > (_SLOWEST * t) ** 2:
                self._sums += (x @ x, x @ y, y @ y)
                self._turn_blocks += 1
                self._judge_turn()
        self._last = (rate, direction, seconds)

    def _judge_turn(self) -> None:
        xx, xy, yy = self._sums
        if self._turn_blocks < _TURN_BLOCKS or not self._has_turned:
            return
        slope = xy / xx
        rest = max(yy - slope * xy, 0.0) / (2 * self._turn_blocks)
        deviation = math.sqrt(rest / xx)
        if deviation > _SURE:
            return
        is_degrees = _DEGREES[0] < slope < _DEGREES[1]
        if is_degrees and deviation > _SURE_DEGREES:
            return
        self._turn_judged = True
        detail = f"slope {slope:.3f}, 1 is right"
        if is_degrees:
            self._problems.add(Problem.IN_DEGREES, detail=detail)
        elif slope < _RIGHT:
            self._problems.add(Problem.AXES, detail=detail)
