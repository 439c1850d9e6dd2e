"""Relative pose and corner depths from two images alone, up to scale (OpenCV).

Five-point essential matrix in MAGSAC: Nister 2004; Barath et al. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_MIN_CORNERS = 40
_MIN_INLIERS = 0.5
# The parallax of two views is that of this percentile of the corners: far corners of an open
# scene never reach any.
_PARALLAX_PERCENTILE = 70
_THRESHOLD_PIXELS = 1.0


@dataclass(frozen=True)
class TwoView:
    """``T_second_first`` (4, 4) with a translation of length one, ``depth`` (M,) of the corners
    in the first image in units of it, ``ok`` (M,) which corners it is known for."""

    T_second_first: NDArray[np.float64]
    depth: NDArray[np.float64]
    ok: NDArray[np.bool_]


def two_view(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    K: NDArray[np.float64],
    min_parallax: float,
) -> tuple[TwoView | None, str]:
    """Solve for corners ``first`` (M, 2) seen again at ``second`` (M, 2) in pixels.

    ``min_parallax`` is the angle between the two rays of a corner, in degrees, below which its
    depth is guesswork. Returns the solution and "", or None and the reason why there is none.
    """
    if len(first) < _MIN_CORNERS:
        return None, f"only {len(first)} corners were followed, {_MIN_CORNERS} are needed"
    cv2.setRNGSeed(0)
    E, mask = cv2.findEssentialMat(
        first, second, K, method=cv2.USAC_MAGSAC, prob=0.9999, threshold=_THRESHOLD_PIXELS
    )
    if E is None or E.shape != (3, 3) or mask.mean() < _MIN_INLIERS:
        return None, "the two views have no consistent relative pose"
    _, R, t, _ = cv2.recoverPose(E, first, second, K, mask=mask.copy())
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, t[:, 0]
    depth, angle, in_front = _triangulate(first, second, K, T)
    ok = in_front & (mask[:, 0] > 0) & (angle > 0.25 * np.radians(min_parallax))
    if in_front[mask[:, 0] > 0].mean() < 0.8:
        return None, "the two views put too many corners behind a camera"
    parallax = float(np.degrees(np.percentile(angle[mask[:, 0] > 0], _PARALLAX_PERCENTILE)))
    if parallax < min_parallax or ok.sum() < _MIN_CORNERS // 2:
        return None, f"parallax of {parallax:.2f} degrees is below {min_parallax}"
    return TwoView(T, depth, ok), ""


def _triangulate(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    K: NDArray[np.float64],
    T: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Depth in the first view, angle between the rays, and whether both views have it in front."""
    X = cv2.triangulatePoints(K @ np.eye(3, 4), K @ T[:3], first.T, second.T)
    X = X[:3] / np.where(np.abs(X[3]) < 1e-12, 1e-12, X[3])
    Y = T[:3, :3] @ X + T[:3, 3:]
    rays_first, rays_second = T[:3, :3] @ X, Y
    cosine = (rays_first * rays_second).sum(0) / (
        np.linalg.norm(rays_first, axis=0) * np.linalg.norm(rays_second, axis=0) + 1e-12
    )
    angle = np.arccos(np.clip(cosine, -1, 1))
    return X[2], angle, (X[2] > 0) & (Y[2] > 0)
