"""Measured depth carried by known motion to images that have none: more views of one measurement.

Depth is measured less often than images are taken (a LiDAR turns slower, files thin it out); the
images between show the same surfaces from elsewhere.
"""

from __future__ import annotations

import cv2
import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.depth.depth_samples import Depth, Matrix

# A point this many times as far as the nearest one within so many pixels is taken to be hidden:
# sparse points in front do not cover what is behind them.
_HIDDEN, _REACH = 1.2, 3
_NEAREST = 0.1


def carried(depth: Depth, camera: Calibration, T_there_here: Matrix) -> Depth:
    """Depth (h, w) metres, 0 = unknown, of ``camera`` as it is seen after the motion.

    ``T_there_here`` (4, 4) takes points of the camera that measured into the other pose of the
    same camera. Of points that meet in a pixel the nearest stays; pixels that none meets are 0.
    """
    v, u = np.nonzero(depth > 0)
    z = depth[v, u].astype(np.float64)
    points = np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z])
    x, y, z = T_there_here[:3, :3] @ points + T_there_here[:3, 3:]
    front = z > _NEAREST
    x, y, z = x[front], y[front], z[front]
    column = np.rint(x / z * camera.fx + camera.cx).astype(np.int64)
    row = np.rint(y / z * camera.fy + camera.cy).astype(np.int64)
    h, w = depth.shape
    inside = (column >= 0) & (column < w) & (row >= 0) & (row < h)
    moved = np.full((h, w), np.inf, np.float32)
    np.minimum.at(moved, (row[inside], column[inside]), z[inside].astype(np.float32))
    nearest = cv2.erode(moved, np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8))
    return np.where(np.isfinite(moved) & (moved / _HIDDEN < nearest), moved, np.float32(0.0))
