"""A camera carried along a polyline: position and angles are quintic splines of time plus sway.

So the trajectory has four continuous derivatives, as simulated inertial sensors need.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.interpolate import BSpline

from denseba_ros.sequences.rendering.view import look

_DEGREE = 5
# Seconds between control points: larger ones make rounder corners.
_POSITION_STEP, _HEADING_STEP = 0.6, 0.9
# The camera looks where it will be a little later.
_LOOK_AHEAD = 0.4
# Seconds at rest, but for the sway, before and after the walk.
_REST = 1.0
_HEIGHT = 1.5
# Sway: frequency in Hz and amplitude in metres or radians.
_SWAY = {
    "x": ((0.13, 0.04), (0.37, 0.015)),
    "y": ((0.11, 0.04), (0.41, 0.015)),
    "z": ((0.09, 0.06), (1.7, 0.012)),
    "yaw": ((0.12, 0.14), (0.33, 0.05), (0.85, 0.012)),
    "pitch": ((0.1, 0.06), (0.45, 0.02), (1.7, 0.006)),
    "roll": ((0.17, 0.02), (0.85, 0.008)),
}
_PITCH = -0.06


class Walk:
    """A walk along ``corners`` (N, 2) at ``speed`` m/s; ``seed`` varies the sway."""

    def __init__(self, corners: np.ndarray, speed: float, seed: tuple[int, ...]) -> None:
        steps = np.diff(corners, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        self.length = float(lengths.sum())
        self.seconds = self.length / speed + 2.0 * _REST
        distance = np.concatenate([[0.0], np.cumsum(lengths)])
        heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))

        def way(times: np.ndarray) -> np.ndarray:
            return np.clip((times - _REST) * speed, 0.0, self.length)

        def position(times: np.ndarray) -> np.ndarray:
            return np.stack([np.interp(way(times), distance, c) for c in corners.T], axis=1)

        def direction(times: np.ndarray) -> np.ndarray:
            segment = np.searchsorted(distance, way(times + _LOOK_AHEAD), side="right") - 1
            return heading[np.clip(segment, 0, len(heading) - 1)]

        self._position = _spline(position, self.seconds, _POSITION_STEP)
        self._heading = _spline(direction, self.seconds, _HEADING_STEP)
        rng = np.random.default_rng(seed)
        self._phases = {name: rng.uniform(0.0, 2.0 * math.pi, len(w)) for name, w in _SWAY.items()}

    def poses(self, seconds: np.ndarray) -> np.ndarray:
        """T_building_camera (N, 4, 4) float64 at ``seconds`` (N,) from 0 to ``self.seconds``."""
        x, y = self._position(seconds).T
        sway = {name: self._sway(name, seconds) for name in _SWAY}
        position = np.stack([x + sway["x"], y + sway["y"], _HEIGHT + sway["z"]], axis=1)
        yaw = self._heading(seconds) - 0.5 * math.pi + sway["yaw"]
        angles = np.stack([yaw, _PITCH + sway["pitch"], sway["roll"]], axis=1)
        return np.stack([look(p, *a) for p, a in zip(position, angles.tolist(), strict=True)])

    def _sway(self, name: str, seconds: np.ndarray) -> np.ndarray:
        waves = zip(_SWAY[name], self._phases[name], strict=True)
        sway: np.ndarray = sum(
            (a * np.sin(2.0 * math.pi * f * seconds + phase) for (f, a), phase in waves),
            np.zeros_like(seconds),
        )
        return sway


def _spline(at: Callable[[np.ndarray], np.ndarray], seconds: float, step: float) -> BSpline:
    """The uniform quintic B-spline whose control points are ``at`` every ``step`` seconds."""
    before = _DEGREE  # control points before time 0, more than its first value needs
    count = math.ceil(seconds / step) + 2 * before
    # Each control point acts most at the middle of its knots.
    knots = (np.arange(count + _DEGREE + 1) - before - 0.5 * (_DEGREE + 1)) * step
    return BSpline(knots, at((np.arange(count) - before) * step), _DEGREE)
