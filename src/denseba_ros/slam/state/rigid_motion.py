"""Poses between and after estimates, and the difference of two poses; all (4, 4) float64."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry.pose_step import between
from denseba_ros.geometry.rotation_array import rotation_from_vector, vector_from_rotation
from denseba_ros.slam.state.estimate import Estimate

HORIZON = 0.5
"""Longest time over which the pose is predicted with constant velocity, seconds."""


def extrapolate(last: Estimate, stamp_ns: int) -> np.ndarray:
    """The last estimate's pose, moved by its twist until ``stamp_ns``."""
    seconds = min(max((stamp_ns - last.stamp_ns) * 1e-9, 0.0), HORIZON)
    step = np.eye(4)
    step[:3, :3] = rotation_from_vector(last.twist[3:] * seconds)
    step[:3, 3] = last.twist[:3] * seconds
    expected: np.ndarray = last.T_world_camera @ step
    return expected


def interpolate(first: Estimate, second: Estimate, stamp_ns: int) -> np.ndarray:
    """The pose at ``stamp_ns`` between two estimates: straight line, and slerp of the rotation.

    Outside of them it is that of the nearer one.
    """
    span = second.stamp_ns - first.stamp_ns
    share = min(max((stamp_ns - first.stamp_ns) / span, 0.0), 1.0) if span > 0 else 1.0
    one, other = first.T_world_camera, second.T_world_camera
    return one if share == 0.0 else between(one, other, share)


def difference(T: np.ndarray, T_from: np.ndarray) -> np.ndarray:
    """(6,): translation and rotation vector along the fixed axes that take ``T_from`` to ``T``."""
    rotation = vector_from_rotation(T[:3, :3] @ T_from[:3, :3].T)
    return np.concatenate([T[:3, 3] - T_from[:3, 3], rotation])


def displaced(T: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The pose at ``difference`` ``by`` (6,) from ``T``."""
    moved = np.eye(4)
    moved[:3, :3] = rotation_from_vector(by[3:]) @ T[:3, :3]
    moved[:3, 3] = T[:3, 3] + by[:3]
    return moved
