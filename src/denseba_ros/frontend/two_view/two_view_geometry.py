"""Relative pose and corner depths from two images alone, up to scale.

Five-point essential matrix in MAGSAC (OpenCV; Nister 2004; Barath et al. 2020), then all minima of
the epipolar error: the best of them, unless another one is equally good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.two_view.epipolar_refinement import (
    EpipolarFits,
    direction_sigma,
    epipolar_fits,
    robust_cost,
    sampson,
)
from denseba_ros.frontend.two_view.two_view_rotation import rotation_between

Doubles = NDArray[np.float64]

# The reason of an ambiguous result: two motions are equally good.
UNDECIDED = "two motions explain the corners equally well"
INCONSISTENT = "the two views have no consistent relative pose"
_MIN_CORNERS = 40
_MIN_INLIERS = 0.5
# Least ratio of the corners that a motion puts in front of both cameras.
_MIN_IN_FRONT = 0.8
# The parallax of two views is this percentile of the corners' parallax: distant corners of an open
# scene have none.
_PARALLAX_PERCENTILE = 70
_THRESHOLD_PIXELS = 1.0
# A motion in another direction (cosine) is equally good up to this ratio of their costs, over
# corners for which either has an error of less than so many pixels.
_OTHER_DIRECTION, _MAX_COST_RATIO, _OUTLIER_PIXELS = 0.9, 1.25, 2.0
# Number of corners for the search of the minima.
_SEARCHED_CORNERS = 200
# From the median absolute error to the standard deviation, and the least standard deviation in
# pixels, as errors of flow are correlated.
_MAD_TO_SIGMA, _MIN_SIGMA_PIXELS = 1.4826, 0.3


@dataclass(frozen=True)
class TwoView:
    """Two views up to scale, all float64.

    ``T_second_first`` (4, 4) with a translation of length one; ``depth`` (M,) of the corners in the
    first image in units of it; ``angle`` (M,) between the two rays of each in degrees; ``ok`` (M,)
    bool, which depths are valid; ``parallax`` of the two views and standard deviation
    ``direction_sigma`` of the translation's direction, both in degrees.
    """

    T_second_first: Doubles
    depth: Doubles
    angle: Doubles
    ok: NDArray[np.bool_]
    parallax: float
    direction_sigma: float

    def beyond(self, min_parallax: float) -> tuple[TwoView | None, str]:
        """The solution with those corners whose parallax suffices, and "", or None and the reason;
        ``min_parallax`` in degrees."""
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
    expected: Doubles | None = None,
) -> tuple[TwoView | None, str]:
    """Relative pose and depths from corresponding corners.

    Args:
        first: (M, 2) pixels in the first image.
        second: (M, 2) pixels in the second image.
        K: (3, 3) camera matrix of both.
        min_parallax: angle in degrees between the two rays of a corner, below which its depth is
            not usable.
        decide: take the best motion even if another one is equally good.
        expected: (3,) rough direction of t_second_first, of any length; of motions that are equally
            good the nearest to it is taken.

    Returns:
        The solution and "", or None and the reason why there is none.
    """
    if len(first) < _MIN_CORNERS:
        return None, f"only {len(first)} corners were tracked, {_MIN_CORNERS} are needed"
    # MAGSAC seeds a generator of its own on each call: the same corners give the same result.
    E, mask = cv2.findEssentialMat(
        first, second, K, method=cv2.USAC_MAGSAC, prob=0.9999, threshold=_THRESHOLD_PIXELS
    )
    if E is None or E.shape != (3, 3) or mask.mean() < _MIN_INLIERS:
        return None, INCONSISTENT
    rays = _rays(first, K), _rays(second, K)
    initial = _decomposed(np.asarray(E, np.float64), *(r[mask[:, 0] > 0] for r in rays))
    rotations = np.stack([initial[:3, :3], rotation_between(first, second, K)])
    subset = np.linspace(0, len(first) - 1, min(len(first), _SEARCHED_CORNERS)).astype(int)
    fits = epipolar_fits(rays[0][subset], rays[1][subset], float(K[0, 0]), initial, rotations)
    view, reason = _best(fits, rays, float(K[0, 0]), decide, expected)
    return (None, reason) if view is None else view.beyond(min_parallax)


def _best(
    fits: EpipolarFits,
    rays: tuple[Doubles, Doubles],
    focal: float,
    decide: bool,
    expected: Doubles | None,
) -> tuple[TwoView | None, str]:
    """The best of the motions that put the corners in front, if no other one is equally good, or
    of the equally good ones the nearest to the ``expected`` direction."""
    good: list[TwoView] = []
    best_error = np.zeros(0)
    for R, t in zip(fits.R, fits.t, strict=True):
        if any(abs(float(t @ view.T_second_first[:3, 3])) > _OTHER_DIRECTION for view in good):
            continue
        error = np.abs(sampson(*rays, R, t, focal))
        if good and not _equally_good(best_error, error):
            continue
        view = _in_front(rays, R, t, error, focal)
        if view is None:
            continue
        if not good:
            best_error = error
        good.append(view)
        if decide:
            break
    if not good:
        return None, "the two views put too many corners behind a camera"
    if len(good) > 1 and expected is None:
        return None, UNDECIDED
    if expected is not None:
        good.sort(key=lambda view: -float(view.T_second_first[:3, 3] @ expected))
    return good[0], ""


def _equally_good(best: Doubles, other: Doubles) -> bool:
    """Whether the distances (M,) in pixels of another motion are about as small as the best's."""
    either = np.minimum(best, other) < _OUTLIER_PIXELS
    return bool(
        robust_cost(other[either]).sum() < _MAX_COST_RATIO * robust_cost(best[either]).sum()
    )


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
            pixels = max(_MAD_TO_SIGMA * float(np.median(error[inliers])), _MIN_SIGMA_PIXELS)
            sigma = direction_sigma(*rays, R, t, focal, pixels)
            return TwoView(T, depth, angle, in_front & inliers, parallax, sigma)
    return None


def _decomposed(E: Doubles, first: Doubles, second: Doubles) -> Doubles:
    """T_second_first (4, 4): of the four motions of an essential matrix the one that puts most of
    the rays (M, 3) in front of both cameras."""
    R1, R2, t = cv2.decomposeEssentialMat(E)
    motions = np.tile(np.eye(4), (4, 1, 1))
    motions[:2, :3, :3], motions[2:, :3, :3] = R1, R2
    motions[::2, :3, 3], motions[1::2, :3, 3] = t[:, 0], -t[:, 0]
    in_front = [_triangulate(first, second, T)[2].sum() for T in motions]
    return np.asarray(motions[int(np.argmax(in_front))])


def _triangulate(
    first: Doubles, second: Doubles, T: Doubles
) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """Depth (M,) in the first view, degrees (M,) between the rays, and (M,) whether the point is in
    front of both; rays (M, 3), ``T`` (4, 4) T_second_first.

    The inverse depth along the first ray minimises the algebraic error in the second image
    (Hartley, Zisserman, "Multiple view geometry", 2004, section 12.2).
    """
    rotated, t = first @ T[:3, :3].T, T[:3, 3]
    a = rotated[:, :2] - second[:, :2] * rotated[:, 2:]
    b = t[:2] - second[:, :2] * t[2]
    inverse_depth = -(a * b).sum(1) / np.maximum((b * b).sum(1), 1e-12)
    in_second = rotated + inverse_depth[:, None] * t
    lengths = np.linalg.norm(rotated, axis=1) * np.linalg.norm(in_second, axis=1)
    cosine = (rotated * in_second).sum(1) / (lengths + 1e-12)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    in_front = (inverse_depth > 1e-12) & (in_second[:, 2] > 0)
    depth = 1.0 / np.where(np.abs(inverse_depth) < 1e-12, 1e-12, inverse_depth)
    return depth, angle, in_front
