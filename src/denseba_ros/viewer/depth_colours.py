"""Depth as colours for people."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

# Fixed, so that a distance keeps its colour from image to image; wide enough for rooms and drives.
_NEAREST, _FARTHEST = 0.5, 50.0


def colour_depth(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """``depth`` (h, w) in metres, NaN where unknown, as (h, w, 3) uint8 BGR.

    From red at 0.5 m and nearer to blue at 50 m and farther, even in the logarithm; what is unknown
    is black, which no distance is.
    """
    known = np.isfinite(depth) & (depth > 0.0)
    clipped = np.clip(np.where(known, depth, _FARTHEST), _NEAREST, _FARTHEST)
    span = np.log(_FARTHEST / _NEAREST)
    nearness = (255.0 * np.log(_FARTHEST / clipped) / span).round().astype(np.uint8)
    return _coloured(nearness, known, cv2.COLORMAP_TURBO)


def colour_deviation(
    depth: NDArray[np.float32], sigma: NDArray[np.float32], most: float
) -> NDArray[np.uint8]:
    """Relative deviation ``sigma / depth`` of depth (h, w) as (h, w, 3) uint8 BGR: dark where it is
    certain, bright at ``most`` and above, black where it is unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = sigma / depth
    known = np.isfinite(relative)
    share = np.clip(np.where(known, relative, 0.0) / most, 0.0, 1.0)
    levels = (255.0 * share).round().astype(np.uint8)
    return _coloured(levels, known, cv2.COLORMAP_VIRIDIS)


def _coloured(
    levels: NDArray[np.uint8], known: NDArray[np.bool_], colormap: int
) -> NDArray[np.uint8]:
    """``levels`` (h, w) as (h, w, 3) BGR, black where not ``known``."""
    colours = _table(colormap)[levels]
    colours[~known] = 0
    return colours


@cache
def _table(colormap: int) -> NDArray[np.uint8]:
    """(256, 3) BGR: OpenCV makes it anew for each image, which takes longer than to use it."""
    levels = np.arange(256, dtype=np.uint8)[:, None]
    return cv2.applyColorMap(levels, colormap)[:, 0].astype(np.uint8)
