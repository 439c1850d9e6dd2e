"""Paths of the camera through the free space of the synthetic room, at handheld speed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from denseba_ros.sequences.rendering.view import look, look_at

# Target of orbit and sweep, and centre of the handheld paths; metres in the room.
_SCENE = np.array([0.0, 1.6, 0.95])
_HOVER = np.array([0.0, -0.75, 1.45])


def _wave(t: float, frequency: float, phase: float = 0.0) -> float:
    return math.sin(2.0 * math.pi * frequency * t + phase)


def _orbit(t: float, phases: np.ndarray) -> np.ndarray:
    angle = 0.8 * _wave(t, 0.035)
    step = np.array([2.6 * math.sin(angle), -2.6 * math.cos(angle), 0.5 + 0.1 * _wave(t, 0.1)])
    return look_at(_SCENE + step, _SCENE)


def _sweep(t: float, phases: np.ndarray) -> np.ndarray:
    position = _HOVER + np.array([1.2 * _wave(t, 0.055), 0.0, 0.05 * _wave(t, 0.2)])
    return look(position, 0.06 * _wave(t, 0.15), -0.12)


def _forward(t: float, phases: np.ndarray) -> np.ndarray:
    position = np.array([0.15, -0.95 - 0.7 * math.cos(2.0 * math.pi * 0.08 * t), 1.4])
    return look(position, 0.05 * _wave(t, 0.2), -0.1, 0.02 * _wave(t, 0.3))


def _handheld(t: float, phases: np.ndarray) -> np.ndarray:
    p = phases
    walk = np.array(
        [
            0.65 * _wave(t, 0.09, p[0]) + 0.12 * _wave(t, 0.27, p[1]),
            0.4 * _wave(t, 0.11, p[2]) + 0.08 * _wave(t, 0.31, p[3]),
            0.12 * _wave(t, 0.17, p[4]) + 0.03 * _wave(t, 0.5, p[5]),
        ]
    )
    tremor = 0.0025 * np.array([_wave(t, f, p[6]) for f in (2.1, 2.9, 3.7)])
    yaw = 0.35 * _wave(t, 0.1, p[7]) + 0.06 * _wave(t, 0.4, p[8]) + 0.004 * _wave(t, 2.7, p[9])
    pitch = -0.12 + 0.1 * _wave(t, 0.14, p[10]) + 0.003 * _wave(t, 3.1, p[11])
    return look(_HOVER + walk + tremor, yaw, pitch, 0.06 * _wave(t, 0.19, p[5]))


def _loop(t: float, phases: np.ndarray) -> np.ndarray:
    """A round trip through the free space in 20 s, looking outward, repeated."""
    angle = 2.0 * math.pi * t / 20.0
    position = _HOVER + np.array([-1.1 * math.sin(angle), 0.55 * math.cos(angle), 0.0])
    return look(position, angle, -0.1 + 0.05 * _wave(t, 0.2))


def _standstill(t: float, phases: np.ndarray) -> np.ndarray:
    return _handheld(0.0, phases)


def _stop_and_go(t: float, phases: np.ndarray) -> np.ndarray:
    """Handheld, but every 4 s it slows down, stops for an instant and continues."""
    period = 4.0
    slowed = t - math.sin(2.0 * math.pi * t / period) * period / (2.0 * math.pi)
    return _handheld(0.5 * slowed, phases)


_PATHS: dict[str, Callable[[float, np.ndarray], np.ndarray]] = {
    "orbit": _orbit,
    "sweep": _sweep,
    "forward": _forward,
    "handheld": _handheld,
    "loop": _loop,
    "standstill": _standstill,
    "stop_and_go": _stop_and_go,
}
TRAJECTORIES = tuple(_PATHS)


def room_poses(trajectory: str, seconds: np.ndarray, seed: int) -> np.ndarray:
    """T_world_camera at each time: (N, 4, 4) float64. The seed varies the handheld paths.

    Raises:
        KeyError: when ``trajectory`` is none of TRAJECTORIES.
    """
    phases = np.random.default_rng((seed, 1)).uniform(0.0, 2.0 * math.pi, 12)
    return np.stack([_PATHS[trajectory](float(t), phases) for t in seconds])
