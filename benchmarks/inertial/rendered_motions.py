"""Motions in the rendered room that an IMU is needed for, or is measured with."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from denseba_ros.sequences.rendering.rendered_sequence import Camera, RenderedSequence
from denseba_ros.sequences.rendering.view import look
from denseba_ros.sequences.room.room_renderer import room_renderer

Poses = Callable[[np.ndarray], np.ndarray]
_PLACE = np.array([0.0, -0.75, 1.45])
# Seconds of the first turn's begin, of each turn's ramps and plateau, and between two turns.
_BEGIN, _RAMP, _PLATEAU, _REST = 2.0, 0.1, 0.4, 1.5


def turning(peak: float) -> Poses:
    """T_world_camera of a camera that sways by some centimetres and turns to the left and back,
    quickly: at ``peak`` rad/s for 0.4 s, with 0.1 s to get there."""

    def at(t: float) -> np.ndarray:
        sway = np.array(
            [0.25 * math.sin(1.7 * t), 0.1 * math.sin(1.1 * t), 0.06 * math.sin(2.3 * t)]
        )
        return look(_PLACE + sway, _turned(t, peak), -0.12 + 0.03 * math.sin(1.3 * t))

    return lambda seconds: np.stack([at(float(t)) for t in seconds])


def _turned(t: float, peak: float) -> float:
    """Radians until ``t``: turns to the left and back by turns."""
    turn = 2.0 * _RAMP + _PLATEAU
    count, since = divmod(t - _BEGIN, turn + _REST)
    if count < 0:
        return 0.0
    whole = peak * (_RAMP + _PLATEAU)
    part = whole if since >= turn else peak * _area(since)
    return part if int(count) % 2 == 0 else whole - part


def _area(t: float) -> float:
    """Under a plateau of height one with smooth ramps, from 0 to ``t``."""
    up, flat = min(t, _RAMP), min(max(t - _RAMP, 0.0), _PLATEAU)
    down = min(max(t - _RAMP - _PLATEAU, 0.0), _RAMP)
    return _ramp(up) + flat + down - _ramp(down)


def _ramp(t: float) -> float:
    return 0.5 * t - 0.5 * _RAMP / math.pi * math.sin(math.pi * t / _RAMP)


def in_the_room(
    name: str, poses: Poses, seconds: float, camera: Camera, rate: float = 30.0, seed: int = 0
) -> RenderedSequence:
    """The room seen along ``poses``."""
    times = np.arange(int(seconds * rate)) / rate
    return RenderedSequence(name, camera, times, poses, lambda: room_renderer(seed), seed)
