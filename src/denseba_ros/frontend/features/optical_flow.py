"""Corners and their optical flow between two images, checked forwards and backwards.

Corners: Shi, Tomasi, "Good features to track", CVPR 1994 (OpenCV). Flow: pyramidal Lucas-Kanade
(``lucas_kanade``). The template is always the keyframe's own image, so tracks drift at most where
corners are handed on to the next keyframe.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.features.lucas_kanade import follow_on_level
from denseba_ros.geometry.grey import Grey
from denseba_ros.parallel import parallel_for

Points = NDArray[np.float32]

_LEVELS = 4
# A track that does not return to its start within this many pixels is dropped.
_RETURN_ERROR = 1.0


def corner_spacing(grey: Grey, count: int) -> float:
    """Least distance in pixels at which ``count`` corners still find room."""
    return float(0.6 * (grey.image.size / max(count, 1)) ** 0.5)


def detect_corners(
    grey: Grey, count: int, taken: Points | None = None, radius: float = 0.0
) -> Points:
    """Up to ``count`` corners (M, 2), spread over the image, none within ``radius`` of the places
    ``taken`` (T, 2)."""
    image = grey.image
    mask = np.full(image.shape, 255, np.uint8)
    for x, y in np.zeros((0, 2)) if taken is None else taken.round().astype(int):
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
) -> tuple[Points, NDArray[np.bool_]]:
    """Follow ``points`` (M, 2) of ``source`` into ``target``, from ``guess`` where it is given.

    ``warps`` (M, 2, 2), the identity unless given: pixels that a step of one pixel around each
    point of the source becomes in the target.

    Returns:
        Places (M, 2) in the target and (M,) whether the track came back to its start.
    """
    if warps is None:
        warps = np.broadcast_to(np.eye(2, dtype=np.float32), (len(points), 2, 2))
    levels = _LEVELS if guess is None else _LEVELS - 1
    start = points if guess is None else guess
    forward, is_tracked = _flow(source, target, points, start, _inverse(warps), levels)
    back, returned = _flow(target, source, forward, points, warps, 1)
    ok = is_tracked & returned & (np.linalg.norm(back - points, axis=1) < _RETURN_ERROR)
    return forward, ok


def _inverse(warps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverses of (M, 2, 2); the identity for a warp that has none to speak of."""
    determinant = np.linalg.det(warps)
    flat = ~(np.abs(determinant) > 0.05)
    inverse = np.linalg.inv(np.where(flat[:, None, None], np.eye(2, dtype=np.float32), warps))
    return np.asarray(inverse, np.float32)


def _flow(
    source: Grey,
    target: Grey,
    points: Points,
    start: Points,
    warps: NDArray[np.float32],
    coarsest: int,
) -> tuple[Points, NDArray[np.bool_]]:
    """Flow from level ``coarsest`` down to 0: places (M, 2) and (M,) whether they were found."""
    points = np.ascontiguousarray(points, np.float32)
    target_pixels = np.array(start, np.float32, order="C")
    warps = np.array(warps, np.float32, order="C")
    is_tracked = np.zeros(len(points), bool)
    coarsest = min(coarsest, len(source.levels) - 1)
    for level in range(coarsest, -1, -1):
        parallel_for(
            follow_on_level,
            len(points),
            source.levels[level],
            target.levels[level],
            points,
            target_pixels,
            warps,
            is_tracked,
            1.0 / (1 << level),
        )
    return target_pixels, is_tracked
