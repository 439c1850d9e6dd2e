"""Depth on a finer grid: each pixel takes the depth of the cells around that look like it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.numba_jit import numba_jit
from denseba_ros.slam.state.estimate import DepthMap

Floats = NDArray[np.float32]
# Grey levels over which a cell's weight falls by e, and its least.
_ALIKE, _LEAST = 8.0, 1e-3
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
    z, sigma = (np.ascontiguousarray(part, np.float32) for part in (depth.depth, depth.sigma))
    _enlarge(z, sigma, small.astype(np.float32), fine.astype(np.float32), factor, out)
    return DepthMap(out[0], out[1], _finer(depth.calibration, factor), fine)


def _resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    if image.shape == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _finer(c: Calibration, factor: int) -> Calibration:
    cx, cy = ((centre + 0.5) * factor - 0.5 for centre in (c.cx, c.cy))
    return Calibration(c.width * factor, c.height * factor, c.fx * factor, c.fy * factor, cx, cy)


@numba_jit(
    "void(float32[:,::1], float32[:,::1], float32[:,::1], float32[:,::1], int64, float32[:,:,::1])"
)
def _enlarge(
    depth: Floats, sigma: Floats, small: Floats, fine: Floats, factor: int, out: Floats
) -> None:
    """Depth and deviation ``out`` (2, H, W) from those of the cells (h, w), by the grey levels of
    the cells ``small`` (h, w) and of the pixels ``fine`` (H, W)."""
    h, w = depth.shape
    weights, inverse = np.empty(4, np.float32), np.empty(4, np.float32)
    deviation = np.empty(4, np.float32)
    half, one = np.float32(0.5), np.float32(1)
    for y in range(fine.shape[0]):
        v = (np.float32(y) + half) / np.float32(factor) - half
        top = int(np.floor(v))
        for x in range(fine.shape[1]):
            out[:, y, x] = np.nan
            if not np.isfinite(depth[y // factor, x // factor]):
                continue
            u = (np.float32(x) + half) / np.float32(factor) - half
            left, best = int(np.floor(u)), 0
            for k in range(4):
                j = min(max(top + k // 2, 0), h - 1)
                i = min(max(left + k % 2, 0), w - 1)
                weights[k] = np.float32(0)
                if np.isfinite(depth[j, i]):
                    near = (one - abs(v - np.float32(top + k // 2))) * (
                        one - abs(u - np.float32(left + k % 2))
                    )
                    alike = np.exp(-abs(fine[y, x] - small[j, i]) / np.float32(_ALIKE))
                    weights[k] = near * max(alike, np.float32(_LEAST))
                    inverse[k] = one / depth[j, i]
                    deviation[k] = sigma[j, i] / depth[j, i]
                if weights[k] > weights[best]:
                    best = k
            total, mean, relative = np.float32(0), np.float32(0), np.float32(0)
            for k in range(4):
                if weights[k] > 0 and (
                    abs(inverse[k] - inverse[best]) <= np.float32(_SAME_SURFACE) * inverse[best]
                ):
                    total += weights[k]
                    mean += weights[k] * inverse[k]
                    relative += weights[k] * deviation[k]
            out[0, y, x] = total / mean
            out[1, y, x] = relative / mean
