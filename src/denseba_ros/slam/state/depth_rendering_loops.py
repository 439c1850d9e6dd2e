"""Forward projection of a keyframe's inverse depth map into a later view, compiled for the CPU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)


@numba_jit(
    "void(float32[:,:,::1], float32[:,::1], float32[::1], float32, float32, int64[::1],"
    " float32[::1])"
)
def project_depth_map(
    inverse_depth_map: Floats,
    T: Floats,
    camera: Floats,
    max_sigma: float,
    min_z: float,
    index: NDArray[np.int64],
    inverse_depth: Floats,
) -> None:
    """Project each cell of an inverse depth map into another view.

    Args:
        inverse_depth_map: (2, h, w), inverse depth and its relative standard deviation.
        T: T_view_map (4, 4).
        camera: (fx, fy, cx, cy) of the grid.
        max_sigma: cells with a relative standard deviation from this on are left out.
        min_z: least z of a point in the view, as a share of its depth in the map.
        index: result (h * w,), flat cell in the view; -1 for cells left out or outside the view.
        inverse_depth: result (h * w,) in the view.
    """
    h, w = inverse_depth_map.shape[1], inverse_depth_map.shape[2]
    fx, fy, cx, cy = camera[0], camera[1], camera[2], camera[3]
    for y in range(h):
        b = (np.float32(y) - cy) / fy
        for x in range(w):
            a, d, cell = (np.float32(x) - cx) / fx, inverse_depth_map[0, y, x], y * w + x
            X = T[0, 0] * a + T[0, 1] * b + (T[0, 2] + T[0, 3] * d)
            Y = T[1, 0] * a + T[1, 1] * b + (T[1, 2] + T[1, 3] * d)
            Z = T[2, 0] * a + T[2, 1] * b + (T[2, 2] + T[2, 3] * d)
            scale = _ONE / max(Z, min_z)
            u, v = X * scale * fx + cx + _HALF, Y * scale * fy + cy + _HALF
            inside = u > _ZERO and u < np.float32(w) and v > _ZERO and v < np.float32(h)
            inverse_depth[cell] = d * scale
            if min_z < Z and inverse_depth_map[1, y, x] < max_sigma and inside:
                index[cell] = np.int64(v) * w + np.int64(u)
            else:
                index[cell] = -1


@numba_jit("void(float32[:,::1], float32[:,::1], float32[:,:,::1])")
def close_gaps(mean: Floats, weight: Floats, out: Floats) -> None:
    """Write the inverse depth map ``out`` (2, h, w) from scattered inverse depths ``mean`` and
    weights (h, w): empty cells take the weighted mean of the 3x3 cells around them; channel 1 is
    the relative standard deviation."""
    h, w = mean.shape
    for y in range(h):
        for x in range(w):
            value, support = mean[y, x], weight[y, x]
            if support <= _ZERO:
                value = support = _ZERO
                for j in range(max(y - 1, 0), min(y + 2, h)):
                    for i in range(max(x - 1, 0), min(x + 2, w)):
                        support += weight[j, i]
                        value += weight[j, i] * mean[j, i]
                value /= max(support, np.float32(1e-12))
                support /= np.float32(9)
            out[0, y, x] = value
            if support > _ZERO:
                # The inverse of depth_map.point_weight; sums of weights would give sigma < 0.
                square = np.float32(1e-4) / max(support, np.float32(1e-9)) - np.float32(1e-4)
                out[1, y, x] = np.sqrt(max(square, np.float32(1e-6)))
            else:
                out[1, y, x] = _ONE
