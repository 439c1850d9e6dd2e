"""Relative pose and corner depths from two images alone, up to scale.

Five-point essential matrix in MAGSAC (OpenCV; Nister 2004; Barath et al. 2020), then all minima of
the epipolar error: the best of them, unless another is about as good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.two_view.epipolar_refinement import (
    EpipolarFits,
    cauchy,
    direction_sigma,
    epipolar_fits,
    sampson,
)
from denseba_ros.frontend.two_view.two_view_rotation import rotation_between

Doubles = NDArray[np.float64]

# Why there is no solution where two motions are about as good.
UNDECIDED = "two motions explain the corners alike"
_MIN_CORNERS = 40
_MIN_INLIERS = 0.5
# Share of the corners that a motion puts in front of both cameras.
_MIN_IN_FRONT = 0.8
# The parallax of two views is that of this percentile of the corners: far corners of an open
# scene never reach any.
_PARALLAX_PERCENTILE = 70
_THRESHOLD_PIXELS = 1.0
# A motion in another direction (cosine) is as good as the best up to this ratio of their costs,
# over corners that either of them leaves no farther off than so many pixels.
_OTHER_DIRECTION, _ALIKE, _OUTLIER_PIXELS = 0.9, 1.25, 2.0
# The minima are looked for with so many corners.
_SEARCHED_CORNERS = 200
# From the median of absolute errors to their deviation, and the least that is believed: errors of
# flow are not independent.
_TO_DEVIATION, _LEAST_PIXELS = 1.4826, 0.3


@dataclass(frozen=True)
class TwoView:
    """``T_second_first`` (4, 4) with a translation of length one, ``depth`` (M,) of the corners
    in the first image in units of it, ``angle`` (M,) between the two rays of each in degrees,
    ``ok`` (M,) which corners the depth is known for, ``parallax`` of the two views and deviation
    ``direction_sigma`` of the translation's direction in degrees."""

    T_second_first: Doubles
    depth: Doubles
    angle: Doubles
    ok: NDArray[np.bool_]
    parallax: float
    direction_sigma: float

    def beyond(self, min_parallax: float) -> tuple[TwoView | None, str]:
        """Where the parallax is no less, the solution with the corners that it suffices for."""
        ok = self.ok & (self.angle > 0.25 * min_parallax)
        if self.parallax < min_parallax or ok.sum() < _MIN_CORNERS // 2:
            return None, f"parallax of {self.parallax:.2f} degrees is below {min_parallax}"
        return replace(self, ok=ok), ""


def two_view(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    K: Doubles,
    min_parallax: float,
    decide: bool = False,
) -> tuple[TwoView | None, str]:
    """Solve for corners ``first`` (M, 2) seen again at ``second`` (M, 2) in pixels.

    ``min_parallax`` is the angle between the two rays of a corner, in degrees, below which its
    depth is guesswork; ``decide``: take the best motion though another is about as good. Returns
    the solution and "", or None and the reason why there is none.
    """
    if len(first) < _MIN_CORNERS:
        return None, f"only {len(first)} corners were followed, {_MIN_CORNERS} are needed"
    cv2.setRNGSeed(0)
    E, mask = cv2.findEssentialMat(
        first, second, K, method=cv2.USAC_MAGSAC, prob=0.9999, threshold=_THRESHOLD_PIXELS
    )
    if E is None or E.shape != (3, 3) or mask.mean() < _MIN_INLIERS:
        return None, "the two views have no consistent relative pose"
    rays = _rays(first, K), _rays(second, K)
    start = _decomposed(np.asarray(E, np.float64), *(r[mask[:, 0] > 0] for r in rays))
    turns = np.stack([start[:3, :3], rotation_between(first, second, K)])
    some = np.linspace(0, len(first) - 1, min(len(first), _SEARCHED_CORNERS)).astype(int)
    fits = epipolar_fits(rays[0][some], rays[1][some], float(K[0, 0]), start, turns)
    view, reason = _best(fits, rays, float(K[0, 0]), decide)
    return (None, reason) if view is None else view.beyond(min_parallax)


def _best(
    fits: EpipolarFits, rays: tuple[Doubles, Doubles], focal: float, decide: bool
) -> tuple[TwoView | None, str]:
    """The best of the motions that put the corners in front, if no other one is about as good."""
    best, best_error, best_t = None, np.zeros(0), np.zeros(3)
    for R, t in zip(fits.R, fits.t, strict=True):
        if best is not None and abs(float(t @ best_t)) > _OTHER_DIRECTION:
            continue
        error = np.abs(sampson(*rays, R, t, focal))
        if best is not None and not _alike(best_error, error):
            continue
        view = _in_front(rays, R, t, error, focal)
        if view is None:
            continue
        if best is not None:
            return None, UNDECIDED
        best, best_error, best_t = view, error, t
        if decide:
            break
    if best is None:
        return None, "the two views put too many corners behind a camera"
    return best, ""


def _alike(best: Doubles, other: Doubles) -> bool:
    """Whether distances (M,) of another motion are about as good."""
    either = np.minimum(best, other) < _OUTLIER_PIXELS
    return bool(cauchy(other[either]).sum() < _ALIKE * cauchy(best[either]).sum())


def _rays(corners: NDArray[np.float32], K: Doubles) -> Doubles:
    """Rays (M, 3), z = 1, through pixels (M, 2)."""
    homogeneous = np.column_stack([corners, np.ones(len(corners))]).astype(np.float64)
    return np.asarray(homogeneous @ np.linalg.inv(K).T)


def _in_front(
    rays: tuple[Doubles, Doubles], R: Doubles, t: Doubles, error: Doubles, focal: float
) -> TwoView | None:
    """The motion with the sign that puts the inliers in front of both cameras, if one does."""
    inliers = error < _THRESHOLD_PIXELS
    if not inliers.any():
        return None
    for sign in (1.0, -1.0):
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = R, sign * t
        depth, angle, in_front = _triangulate(*rays, T)
        if in_front[inliers].mean() >= _MIN_IN_FRONT:
            parallax = float(np.percentile(angle[inliers], _PARALLAX_PERCENTILE))
            pixels = max(_TO_DEVIATION * float(np.median(error[inliers])), _LEAST_PIXELS)
            sigma = direction_sigma(*rays, R, t, focal, pixels)
            return TwoView(T, depth, angle, in_front & inliers, parallax, sigma)
    return None


def _decomposed(E: Doubles, first: Doubles, second: Doubles) -> Doubles:
    """Of the four motions (4, 4) of an essential matrix the one that puts most of the rays (M, 3)
    in front of both cameras."""
    R1, R2, t = cv2.decomposeEssentialMat(E)
    motions = np.tile(np.eye(4), (4, 1, 1))
    motions[:2, :3, :3], motions[2:, :3, :3] = R1, R2
    motions[::2, :3, 3], motions[1::2, :3, 3] = t[:, 0], -t[:, 0]
    in_front = [_triangulate(first, second, T)[2].sum() for T in motions]
    return np.asarray(motions[int(np.argmax(in_front))])


def _triangulate(
    first: Doubles, second: Doubles, T: Doubles
) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """Depth in the first view, degrees between the rays, whether both views have it in front.

    The inverse depth along the first ray minimises the algebraic error in the second image
    (Hartley, Zisserman, "Multiple view geometry", 2004, section 12.2).
    """
    turned, t = first @ T[:3, :3].T, T[:3, 3]
    a = turned[:, :2] - second[:, :2] * turned[:, 2:]
    b = t[:2] - second[:, :2] * t[2]
    inverse_depth = -(a * b).sum(1) / np.maximum((b * b).sum(1), 1e-12)
    seen = turned + inverse_depth[:, None] * t
    lengths = np.linalg.norm(turned, axis=1) * np.linalg.norm(seen, axis=1)
    cosine = (turned * seen).sum(1) / (lengths + 1e-12)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    in_front = (inverse_depth > 1e-12) & (seen[:, 2] > 0)
    depth = 1.0 / np.where(np.abs(inverse_depth) < 1e-12, 1e-12, inverse_depth)
    return depth, angle, in_front
