"""Depth on a finer grid: each pixel takes the depth of the cells around that look like it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.numba_jit import numba_jit
from denseba_ros.slam.state.estimate import DepthMap

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
# Grey levels over which a cell's weight falls by e, and its least.
_ALIKE, _LEAST = 8.0, 1e-3
_WEIGHTS = np.maximum(np.exp(-np.arange(256) / _ALIKE), _LEAST).astype(np.float32)
# Cells whose inverse depth differs by more than this share belong to another surface: a mean of the
# two would be a point in the air between them.
_SAME_SURFACE = 0.1


def enlarge(depth: DepthMap, factor: int) -> DepthMap:
    """``depth``, which holds its image, on a grid ``factor`` times as fine, by joint bilateral
    upsampling (Kopf et al., SIGGRAPH 2007) that does not join two surfaces.

    A pixel is unknown where the cell that it lies in is. The image comes along on the new grid;
    ``factor`` 1 only brings it there.

    Raises:
        ValueError: when it holds no image.
    """
    if depth.image is None:
        raise ValueError("a depth without its image cannot be enlarged")
    h, w = depth.depth.shape
    scale = depth.image.shape[1] // w
    image = depth.image[: h * scale, : w * scale]
    fine = _resized(image, w * factor, h * factor)
    if factor == 1:
        return DepthMap(depth.depth, depth.sigma, depth.calibration, fine)
    small = _resized(image, w, h)
    out = np.empty((2, h * factor, w * factor), np.float32)
    known = np.isfinite(depth.depth) & (depth.depth > 0)
    inverse = np.where(known, 1.0 / depth.depth, 0.0)
    cells = np.stack([inverse, np.where(known, depth.sigma * inverse, 0.0)]).astype(np.float32)
    _enlarge(cells, small, np.ascontiguousarray(fine), _WEIGHTS, factor, out)
    return DepthMap(out[0], out[1], _finer(depth.calibration, factor), fine)


def _resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    if image.shape == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _finer(c: Calibration, factor: int) -> Calibration:
    cx, cy = ((centre + 0.5) * factor - 0.5 for centre in (c.cx, c.cy))
    return Calibration(c.width * factor, c.height * factor, c.fx * factor, c.fy * factor, cx, cy)


@numba_jit(
    "void(float32[:,:,::1], uint8[:,::1], uint8[:,::1], float32[::1], int64, float32[:,:,::1])"
)
def _enlarge(
    cells: Floats,
    small: Bytes,
    fine: Bytes,
    alike: Floats,
    factor: int,
    out: Floats,
) -> None:
    """Depth and deviation ``out`` (2, H, W) from ``cells`` (2, h, w), inverse depth, 0 = unknown,
    and its relative deviation, by the grey levels of the cells ``small`` (h, w) and of the pixels
    ``fine`` (H, W); ``alike`` (256,) is the weight of each difference between the two."""
    h, w = small.shape
    weights, inverse = np.empty(4, np.float32), np.empty(4, np.float32)
    deviation = np.empty(4, np.float32)
    half, one, zero = np.float32(0.5), np.float32(1), np.float32(0)
    for y in range(fine.shape[0]):
        v = (np.float32(y) + half) / np.float32(factor) - half
        top = int(np.floor(v))
        below = v - np.float32(top)
        for x in range(fine.shape[1]):
            if cells[0, y // factor, x // factor] <= zero:
                out[0, y, x] = out[1, y, x] = np.nan
                continue
            u = (np.float32(x) + half) / np.float32(factor) - half
            left, best, grey = int(np.floor(u)), 0, int(fine[y, x])
            beside = u - np.float32(left)
            for k in range(4):
                j = min(max(top + k // 2, 0), h - 1)
                i = min(max(left + k % 2, 0), w - 1)
                near = (below if k // 2 else one - below) * (beside if k % 2 else one - beside)
                inverse[k], deviation[k] = cells[0, j, i], cells[1, j, i]
                weights[k] = near * alike[abs(grey - int(small[j, i]))]
                if inverse[k] <= zero:
                    weights[k] = zero
                if weights[k] > weights[best]:
                    best = k
            total, mean, relative = zero, zero, zero
            largest = np.float32(_SAME_SURFACE) * inverse[best]
            for k in range(4):
                if abs(inverse[k] - inverse[best]) <= largest:
                    total += weights[k]
                    mean += weights[k] * inverse[k]
                    relative += weights[k] * deviation[k]
            out[0, y, x] = total / mean
            out[1, y, x] = relative / mean
