"""Pairs of estimated and true depth along the same rays, for cameras with different grids."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from denseba_ros.geometry.calibration import Calibration


@dataclass(frozen=True)
class SampledDepth:
    """Depths of the N rays with both a true and an estimated depth.

    ``estimate`` and ``truth`` (N,) metres; ``rows`` and ``columns`` (N,) pixels of the estimate's
    grid; ``rays_with_truth`` counts all true rays inside the estimated view.
    """

    estimate: np.ndarray
    truth: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    rays_with_truth: int


def sample_at_truth(
    estimate: np.ndarray,
    estimate_camera: Calibration,
    truth: np.ndarray,
    truth_camera: Calibration,
) -> SampledDepth:
    """Sample ``estimate`` (h, w) at the nearest pixel along the ray of every valid pixel of
    ``truth`` (H, W), both in metres.

    Going from truth to estimate keeps every point of a sparse truth (LiDAR). Both depths are along
    z from the same camera centre: an offset between the two cameras is neglected.
    """
    rows, columns, values = _onto_grid(estimate_camera, truth, truth_camera)
    sampled = estimate[rows, columns]
    known = np.isfinite(sampled) & (sampled > 0)
    return SampledDepth(sampled[known], values[known], rows[known], columns[known], len(rows))


def truth_on_grid(
    estimate_camera: Calibration, truth: np.ndarray, truth_camera: Calibration
) -> np.ndarray:
    """The truth (H, W), metres, projected to the estimate's grid (h, w), NaN where unknown; for
    plots. Of several points in one pixel the nearest is kept.
    """
    rows, columns, values = _onto_grid(estimate_camera, truth, truth_camera)
    grid = np.full((estimate_camera.height, estimate_camera.width), np.inf)
    np.minimum.at(grid, (rows, columns), values)
    return np.where(np.isinf(grid), np.nan, grid)


def _onto_grid(
    grid: Calibration, truth: np.ndarray, truth_camera: Calibration
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and depth (M,) of the truth's valid pixels inside the grid's view."""
    v, u = np.nonzero(np.isfinite(truth) & (truth > 0))
    x, y = undistorted_rays(truth_camera, u, v)
    columns = np.round(x * grid.fx + grid.cx).astype(np.int64)
    rows = np.round(y * grid.fy + grid.cy).astype(np.int64)
    inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
    return rows[inside], columns[inside], truth[v, u][inside]


def undistorted_rays(
    camera: Calibration, u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes x/z and y/z (N,) of pixels (``u``, ``v``), both (N,), lens distortion removed."""
    if not camera.is_distorted or len(u) == 0:
        return (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    pixels = np.stack([u, v], axis=1).astype(np.float64)[:, None]
    fisheye = camera.model == "equidistant"
    undistort = cv2.fisheye.undistortPoints if fisheye else cv2.undistortPoints
    rays = undistort(pixels, camera.matrix, np.array(camera.coefficients))
    return rays[:, 0, 0], rays[:, 0, 1]
