"""Estimates and keyframes of a plane, to be shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe, Tracking

CALIBRATION = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)
SECOND = 1_000_000_000


def at_x(x: float) -> np.ndarray:
    """T (4, 4) that moves by ``x``."""
    T = np.eye(4)
    T[0, 3] = x
    return T


@pytest.fixture
def depth() -> DepthMap:
    """A plane 2 m away, one pixel unknown."""
    values = np.full((12, 16), 2.0, np.float32)
    values[0, 0] = np.nan
    image = np.full((48, 64), 100, np.uint8)
    return DepthMap(values, 0.05 * values, CALIBRATION.resized(16, 12), image)


@pytest.fixture
def make_estimate(depth: DepthMap) -> Callable[..., Estimate]:
    """Estimate of image ``k``, k metres along x; keywords change it."""

    def make(k: int, **changes: Any) -> Estimate:
        estimate = Estimate(
            stamp_ns=(k + 1) * SECOND,
            tracking=Tracking.TRACKING,
            T_world_camera=at_x(float(k)),
            covariance=np.diag([1.0, 4.0, 9.0, 1.0, 1.0, 1.0]),
            twist=np.zeros(6),
            twist_covariance=np.eye(6),
            depth=depth,
            is_keyframe=False,
            reason="",
            seconds={"tracking": 0.002},
            quality=0.9,
        )
        return replace(estimate, **changes)

    return make


@pytest.fixture
def make_keyframe(depth: DepthMap) -> Callable[[int], Keyframe]:
    """Keyframe of stamp ``k`` seconds, k metres along x."""

    def make(k: int) -> Keyframe:
        grey = np.full((12, 16), 7, np.uint8)
        return Keyframe(k, k * SECOND, at_x(float(k)), depth, grey)

    return make
