"""Camera poses from a position and a direction of view. World axes: z up."""

from __future__ import annotations

import math

import numpy as np


def look(position: np.ndarray, yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    """T_world_camera (4, 4): yaw 0 looks along +y and turns left, pitch > 0 up; radians."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    forward = np.array([-sy * cp, cy * cp, sp])
    right = np.array([cy, sy, 0.0])
    down = np.cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    T = np.eye(4)
    T[:3, 0], T[:3, 1], T[:3, 2] = c * right + s * down, c * down - s * right, forward
    T[:3, 3] = position
    return T


def look_at(position: np.ndarray, target: np.ndarray) -> np.ndarray:
    """T_world_camera (4, 4) with the target in the middle of the image and no roll."""
    x, y, z = target - position
    return look(position, math.atan2(-x, y), math.atan2(z, math.hypot(x, y)))
