"""Estimated and true depth of the same rays, though their grids and lenses differ."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from denseba_ros.geometry.calibration import Calibration


@dataclass(frozen=True)
class SampledDepth:
    """Depths of the N rays that truth and estimate both know, metres.

    ``estimate`` and ``truth`` (N,); ``rays_with_truth`` counts those inside the estimated view,
    known there or not.
    """

    estimate: np.ndarray
    truth: np.ndarray
    rays_with_truth: int


def sample_at_truth(
    estimate: np.ndarray,
    estimate_camera: Calibration,
    truth: np.ndarray,
    truth_camera: Calibration,
) -> SampledDepth:
    """Sample the estimate (nearest pixel) along the ray of every known pixel of the truth.

    Going from truth to estimate keeps every point of a sparse truth (lidar). Both depths are
    along z from one place: an offset between the two cameras is neglected.
    """
    v, u = np.nonzero(np.isfinite(truth) & (truth > 0))
    x, y = undistorted_rays(truth_camera, u, v)
    columns = np.round(x * estimate_camera.fx + estimate_camera.cx)
    rows = np.round(y * estimate_camera.fy + estimate_camera.cy)
    height, width = estimate.shape
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    sampled = estimate[rows[inside].astype(int), columns[inside].astype(int)]
    known = np.isfinite(sampled) & (sampled > 0)
    return SampledDepth(sampled[known], truth[v, u][inside][known], int(inside.sum()))


def truth_on_grid(
    estimate_camera: Calibration, truth: np.ndarray, truth_camera: Calibration
) -> np.ndarray:
    """The truth on the estimate's grid (h, w), NaN where unknown; for pictures.

    The nearest point wins where several fall on one pixel.
    """
    v, u = np.nonzero(np.isfinite(truth) & (truth > 0))
    x, y = undistorted_rays(truth_camera, u, v)
    columns = np.round(x * estimate_camera.fx + estimate_camera.cx).astype(int)
    rows = np.round(y * estimate_camera.fy + estimate_camera.cy).astype(int)
    height, width = estimate_camera.height, estimate_camera.width
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    grid = np.full((height, width), np.inf)
    np.minimum.at(grid, (rows[inside], columns[inside]), truth[v, u][inside])
    return np.where(np.isinf(grid), np.nan, grid)


def undistorted_rays(
    camera: Calibration, u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """x / z and y / z of pixels (N,), lens distortion removed."""
    if not camera.is_distorted or len(u) == 0:
        return (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    pixels = np.stack([u, v], axis=1).astype(np.float64)[:, None]
    undistort = (
        cv2.fisheye.undistortPoints if camera.model == "equidistant" else cv2.undistortPoints
    )
    rays = undistort(pixels, camera.matrix, np.array(camera.coefficients))
    return rays[:, 0, 0], rays[:, 0, 1]
