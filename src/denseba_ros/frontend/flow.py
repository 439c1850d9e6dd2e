"""Corners and their optical flow between two images, checked forwards and backwards.

Corners: Shi, Tomasi, "Good features to track", CVPR 1994 (OpenCV). Flow: pyramidal Lucas-Kanade
(``lucas_kanade``). The template is always the keyframe's own image, so tracks do not drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.frontend.lucas_kanade import PAD, follow_on_level

Points = NDArray[np.float32]

_LEVELS = 4
# A track that does not return to its start within this many pixels is dropped.
_RETURN_ERROR = 1.0


@dataclass(frozen=True)
class Grey:
    """Brightness of one image for optical flow, on the CPU: ``levels`` by pyramid level, each
    (h + 2 PAD, w + 2 PAD) float32, mirrored beyond the border."""

    levels: tuple[NDArray[np.float32], ...]

    @classmethod
    def from_pyramid(cls, pyramid: list[Tensor]) -> Grey:
        """From levels (1, C, h, w) on any device whose first channel is the brightness."""
        levels = (level[0, 0].cpu().numpy() for level in pyramid)
        return cls(tuple(np.pad(level, PAD, mode="symmetric") for level in levels))

    @property
    def image(self) -> NDArray[np.float32]:
        """(H, W) brightness of the finest level."""
        return self.levels[0][PAD:-PAD, PAD:-PAD]


def detect_corners(grey: Grey, count: int) -> Points:
    """Up to ``count`` corners (M, 2), spread over the image."""
    image = grey.image
    spacing = 0.6 * (image.size / max(count, 1)) ** 0.5
    corners = cv2.goodFeaturesToTrack(image, count, 0.003, spacing, blockSize=5)
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
    levels = _LEVELS if guess is None else _LEVELS - 1
    forward, found = _flow(source, target, points, points if guess is None else guess, levels)
    back, returned = _flow(target, source, forward, points, 1)
    ok = found & returned & (np.linalg.norm(back - points, axis=1) < _RETURN_ERROR)
    return forward, ok


def _flow(
    source: Grey, target: Grey, points: Points, start: Points, coarsest: int
) -> tuple[Points, NDArray[np.bool_]]:
    """Flow from level ``coarsest`` down to 0: places (M, 2) and (M,) whether they were found."""
    points = np.ascontiguousarray(points, np.float32)
    places = np.array(start, np.float32, order="C")
    found = np.zeros(len(points), bool)
    coarsest = min(coarsest, len(source.levels) - 1)
    for level in range(coarsest, -1, -1):
        scale = 1.0 / (1 << level)
        follow_on_level(source.levels[level], target.levels[level], points, places, found, scale)
    return places, found
