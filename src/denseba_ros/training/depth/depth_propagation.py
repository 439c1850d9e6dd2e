"""Propagation of measured depth by known motion to images without depth, for more training data.

Depth is measured less often than images are taken (a LiDAR rotates slower, data sets are
subsampled); the images between show the same surfaces from other poses.
"""

from __future__ import annotations

import cv2
import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.depth.depth_samples import Depth, Matrix

# A point this many times as far as the nearest one within so many pixels counts as occluded:
# sparse points in front do not cover the pixels between them.
_OCCLUSION_RATIO, _RADIUS = 1.2, 3
_NEAREST = 0.1


def propagate_depth(depth: Depth, camera: Calibration, T_target_source: Matrix) -> Depth:
    """Depth (h, w) metres, 0 = unknown, projected into another pose of the same ``camera``.

    ``T_target_source`` (4, 4) maps points of the measuring pose into the other one. Of several
    points in one pixel the nearest is kept; pixels without a point are 0.
    """
    v, u = np.nonzero(depth > 0)
    z = depth[v, u].astype(np.float64)
    points = np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z])
    x, y, z = T_target_source[:3, :3] @ points + T_target_source[:3, 3:]
    front = z > _NEAREST
    x, y, z = x[front], y[front], z[front]
    column = np.rint(x / z * camera.fx + camera.cx).astype(np.int64)
    row = np.rint(y / z * camera.fy + camera.cy).astype(np.int64)
    h, w = depth.shape
    inside = (column >= 0) & (column < w) & (row >= 0) & (row < h)
    projected = np.full((h, w), np.inf, np.float32)
    np.minimum.at(projected, (row[inside], column[inside]), z[inside].astype(np.float32))
    nearest = cv2.erode(projected, np.ones((2 * _RADIUS + 1, 2 * _RADIUS + 1), np.uint8))
    is_visible = np.isfinite(projected) & (projected / _OCCLUSION_RATIO < nearest)
    return np.where(is_visible, projected, np.float32(0.0))
