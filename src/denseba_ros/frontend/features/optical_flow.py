"""Corners and their optical flow between two images, with a forward-backward check.

Corners: Shi, Tomasi, "Good features to track", CVPR 1994 (OpenCV). Flow: pyramidal Lucas-Kanade
(``lucas_kanade``). The template is always of the keyframe's own image, so tracks drift only when
they are propagated to the next keyframe.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.features.lucas_kanade import LEVELS, Levels, track_both_ways
from denseba_ros.frontend.features.patch_loops import WINDOW
from denseba_ros.geometry.grey import Grey
from denseba_ros.parallel import parallel_for

Points = NDArray[np.float32]

# Levels to begin at. Back it begins where it should end.
_COARSEST, _COARSEST_FROM_GUESS, _COARSEST_BACK = 4, 3, 1


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
    if is_wanted is None:
        is_wanted = np.ones(len(points), bool)
    pixels = np.array(points if guess is None else guess, np.float32, order="C")
    is_tracked = np.zeros(len(points), bool)
    parallel_for(
        track_both_ways,
        len(points),
        _levels(source),
        _levels(target),
        np.ascontiguousarray(points, np.float32),
        pixels,
        np.array(warps, np.float32, order="C"),
        is_wanted,
        is_tracked,
        min(_COARSEST if guess is None else _COARSEST_FROM_GUESS, len(source.levels) - 1),
        min(_COARSEST_BACK, len(source.levels) - 1),
        WINDOW,
    )
    return pixels, is_tracked


def _levels(grey: Grey) -> Levels:
    """As many levels as the loops take; of fewer, the coarsest fills up."""
    levels = grey.levels + grey.levels[-1:] * (LEVELS - len(grey.levels))
    return cast(Levels, levels[:LEVELS])
