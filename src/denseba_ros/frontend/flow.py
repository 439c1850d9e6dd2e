"""Corners and their optical flow between two images (OpenCV), checked forwards and backwards.

Corners: Shi, Tomasi, "Good features to track", CVPR 1994. Flow: pyramidal Lucas-Kanade,
Bouguet 2001. The template is always the keyframe's own image, so tracks do not drift.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Points = NDArray[np.float32]

_WINDOW = (21, 21)
_LEVELS = 4
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.01)
# A track that does not return to its start within this many pixels is dropped.
_RETURN_ERROR = 1.0


def detect_corners(grey: Grey, count: int) -> Points:
    """Up to ``count`` corners (M, 2), spread over the image, refined to sub-pixel places."""
    spacing = 0.6 * (grey.size / max(count, 1)) ** 0.5
    corners = cv2.goodFeaturesToTrack(grey, count, 0.003, spacing, blockSize=5)
    if corners is None:
        return np.zeros((0, 2), np.float32)
    return corners.reshape(-1, 2).astype(np.float32)


def track(
    source: Grey, target: Grey, points: Points, guess: Points | None = None
) -> tuple[Points, NDArray[np.bool_]]:
    """Follow ``points`` (M, 2) of ``source`` into ``target``, from ``guess`` where it is given.

    Returns:
        Places (M, 2) in the target and (M,) whether the track came back to its start.
    """
    if len(points) == 0:
        return points, np.zeros(0, bool)
    levels = _LEVELS if guess is None else _LEVELS - 1
    forward, found = _flow(source, target, points, points if guess is None else guess, levels)
    back, returned = _flow(target, source, forward, points, 1)
    h, w = target.shape
    ok = found & returned
    ok &= np.linalg.norm(back - points, axis=1) < _RETURN_ERROR
    ok &= (forward >= 0).all(1) & (forward[:, 0] <= w - 1) & (forward[:, 1] <= h - 1)
    return forward, ok


def _flow(
    source: Grey, target: Grey, points: Points, start: Points, levels: int
) -> tuple[Points, NDArray[np.bool_]]:
    """One run of pyramidal Lucas-Kanade: places (M, 2) and (M,) whether it converged inside."""
    places, status, _ = cv2.calcOpticalFlowPyrLK(
        source,
        target,
        points,
        np.array(start, np.float32, order="C"),
        winSize=_WINDOW,
        maxLevel=levels,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return places.astype(np.float32, copy=False), status[:, 0] > 0
