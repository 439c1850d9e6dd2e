"""Corners and their optical flow between two images, with a forward-backward check.

Corners: Shi, Tomasi, "Good features to track", CVPR 1994 (OpenCV). Flow: pyramidal Lucas-Kanade
(``lucas_kanade``). The template is always of the keyframe's own image, so tracks drift only when
they are propagated to the next keyframe.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.features.lucas_kanade import track_on_level
from denseba_ros.frontend.features.patch_loops import WINDOW
from denseba_ros.geometry.grey import Grey
from denseba_ros.parallel import parallel_for

Points = NDArray[np.float32]

_LEVELS = 4
_ITERATIONS = 10
# Tracks whose forward-backward error is larger (pixels) are dropped.
_MAX_BACKWARD_ERROR = 1.0


def corner_spacing(grey: Grey, count: int) -> float:
    """Least distance in pixels at which ``count`` corners still fit into the image."""
    return float(0.6 * (grey.image.size / max(count, 1)) ** 0.5)


def detect_corners(
    grey: Grey, count: int, occupied: Points | None = None, radius: float = 0.0
) -> Points:
    """Up to ``count`` corners (M, 2) in pixels, spread over the image, none within ``radius``
    pixels of ``occupied`` (T, 2)."""
    image = grey.image
    mask = np.full(image.shape, 255, np.uint8)
    for x, y in np.zeros((0, 2)) if occupied is None else occupied.round().astype(int):
        cv2.circle(mask, (int(x), int(y)), round(radius), 0, -1)
    spacing = corner_spacing(grey, count)
    corners = cv2.goodFeaturesToTrack(image, count, 0.003, spacing, mask=mask, blockSize=5)
    if corners is None:
        return np.zeros((0, 2), np.float32)
    return corners.reshape(-1, 2).astype(np.float32)


def track(
    source: Grey,
    target: Grey,
    points: Points,
    guess: Points | None = None,
    warps: NDArray[np.float32] | None = None,
    is_wanted: NDArray[np.bool_] | None = None,
) -> tuple[Points, NDArray[np.bool_]]:
    """Track points from one image into another.

    Args:
        source: image of the points.
        target: image to track into.
        points: (M, 2) pixels in the source.
        guess: (M, 2) initial pixels in the target; default ``points``.
        warps: (M, 2, 2), pixels of the target per pixel of the source; default the identity.
        is_wanted: (M,), the points to track; default all.

    Returns:
        Pixels (M, 2) in the target and (M,) whether the backward track returns to its point.
    """
    if warps is None:
        warps = np.broadcast_to(np.eye(2, dtype=np.float32), (len(points), 2, 2))
    coarsest = _LEVELS if guess is None else _LEVELS - 1
    initial = points if guess is None else guess
    if is_wanted is None:
        is_wanted = np.ones(len(points), bool)
    forward, is_tracked = _flow(
        source, target, points, initial, _inverse(warps), is_wanted, coarsest, _ITERATIONS
    )
    back, is_tracked = _flow(target, source, forward, points, warps, is_tracked, 1, _ITERATIONS)
    error = np.linalg.norm(back - points, axis=1)
    return forward, is_tracked & (error < _MAX_BACKWARD_ERROR)


def _inverse(warps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverses of (M, 2, 2); the identity for warps that are nearly singular."""
    (a, b), (c, d) = warps[:, 0].T, warps[:, 1].T
    determinant = a * d - b * c
    is_singular = ~(np.abs(determinant) > 0.05)
    adjugate = np.stack([d, -b, -c, a], 1).reshape(-1, 2, 2)
    inverse = adjugate / np.where(is_singular, np.float32(1), determinant)[:, None, None]
    return np.where(is_singular[:, None, None], np.eye(2, dtype=np.float32), inverse)


def _flow(
    source: Grey,
    target: Grey,
    points: Points,
    initial: Points,
    warps: NDArray[np.float32],
    is_wanted: NDArray[np.bool_],
    coarsest: int,
    iterations: int,
) -> tuple[Points, NDArray[np.bool_]]:
    """Flow from level ``coarsest`` down to 0: pixels (M, 2) and (M,) whether they are tracked;
    ``warps`` (M, 2, 2), pixels of the source per pixel of the target; only where ``is_wanted``
    (M,)."""
    points = np.ascontiguousarray(points, np.float32)
    target_pixels = np.array(initial, np.float32, order="C")
    warps = np.array(warps, np.float32, order="C")
    is_tracked = np.zeros(len(points), bool)
    coarsest = min(coarsest, len(source.levels) - 1)
    for level in range(coarsest, -1, -1):
        parallel_for(
            track_on_level,
            len(points),
            source.levels[level],
            target.levels[level],
            points,
            target_pixels,
            warps,
            is_wanted,
            is_tracked,
            1.0 / (1 << level),
            iterations,
            WINDOW,
        )
    return target_pixels, is_tracked
