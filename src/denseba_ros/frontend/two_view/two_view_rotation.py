"""Rotation between two images from corners, when the parallax is too small for a translation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

_ITERATIONS = 5
# Scale of the Cauchy weights in pixels: corners with a larger error move by parallax.
_THRESHOLD_PIXELS = 1.0


def rotation_between(
    first: NDArray[np.float32], second: NDArray[np.float32], K: NDArray[np.float64]
) -> NDArray[np.float64]:
    """R_second_first (3, 3) float64 from corners ``first``, ``second`` (M, 2) in pixels.

    Weighted least squares on the sphere (Wahba's problem, by SciPy), iteratively reweighted with
    Cauchy weights, so that near corners, which move by parallax, lose weight. The identity for
    M = 0.
    """
    if len(first) == 0:
        return np.eye(3)
    a, b = (_rays(corners, K) for corners in (first, second))
    scale = _THRESHOLD_PIXELS / K[0, 0]
    weights = np.ones(len(a))
    rotation = Rotation.identity()
    for _ in range(_ITERATIONS):
        rotation = Rotation.align_vectors(b, a, weights=weights)[0]
        distance = np.linalg.norm(b - rotation.apply(a), axis=1)
        weights = 1.0 / (1.0 + (distance / scale) ** 2)
    return np.asarray(rotation.as_matrix())


def residual_angle(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    R: NDArray[np.float64],
    K: NDArray[np.float64],
) -> float:
    """Median angle in radians that R_second_first (3, 3) leaves between the rays of corners (M, 2):
    parallax, where the camera moved; M > 0."""
    a, b = _rays(first, K) @ R.T, _rays(second, K)
    return float(np.median(np.linalg.norm(a - b, axis=1)))


def _rays(corners: NDArray[np.float32], K: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit rays (M, 3) through pixels (M, 2)."""
    homogeneous = np.column_stack([corners, np.ones(len(corners))]).astype(np.float64)
    rays = homogeneous @ np.linalg.inv(K).T
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))
