"""How far the image moved and how alike it is, as compiled loops on the CPU.

Points that are not used are skipped, so their values have no effect, as in ``alignment_loops``.
"""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO
from denseba_ros.numba_jit import numba_jit
from denseba_ros.slam.tracking.alignment_loops import (
    Bools,
    Doubles,
    Floats,
    bilinear,
    transformed,
)


@numba_jit("f8(f4[:, ::1], f4[:, ::1], f4[::1], b1[::1], f8[::1], f8[:, ::1])")
def flow(
    pixels: Floats, rays: Floats, inverse_depth: Floats, valid: Bools, camera: Doubles, T: Doubles
) -> float:
    """Mean distance in pixels of the valid points' projections from their ``pixels`` (N, 2) in the
    reference; arguments as in ``alignment_loops.corners``."""
    fx, fy, cx, cy = camera
    total, count = 0.0, 0
    for n in range(len(rays)):
        X, Y, Z = transformed(T, rays[n, 0], rays[n, 1], inverse_depth[n])
        if valid[n] and Z > MIN_DEPTH_RATIO:
            u, v = X / Z * fx + cx - pixels[n, 0], Y / Z * fy + cy - pixels[n, 1]
            total += math.sqrt(u * u + v * v)
            count += 1
    return total / max(count, 1)


@numba_jit("f8(f4[:, :, ::1], f4[:, ::1], f4[::1], f4[::1], b1[::1], f8[::1], f8[:, ::1])")
def similarity(
    image: Floats,
    rays: Floats,
    inverse_depth: Floats,
    brightness: Floats,
    usable: Bools,
    camera: Doubles,
    T: Doubles,
) -> float:
    """Zero-mean normalised cross-correlation (-1 to 1) of ``brightness`` (N,) with ``image`` where
    the points project; 0 where it is undefined. Arguments as in
    ``alignment_loops.photometric``."""
    fx, fy, cx, cy = camera
    right, bottom = image.shape[2] - 2.0, image.shape[1] - 2.0
    count, s, t, ss, st, tt = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for n in range(len(rays)):
        X, Y, Z = transformed(T, rays[n, 0], rays[n, 1], inverse_depth[n])
        if not (usable[n] and Z > MIN_DEPTH_RATIO):
            continue
        u, v = X / Z * fx + cx, Y / Z * fy + cy
        if not (1.0 <= u <= right and 1.0 <= v <= bottom):
            continue
        column, row = int(u), int(v)
        p = np.float64(brightness[n])
        q = bilinear(image, 0, column, row, u - column, v - row)
        count += 1
        s, t, ss, st, tt = s + p, t + q, ss + p * p, st + p * q, tt + q * q
    if count < 2:
        return 0.0
    spread = (ss - s * s / count) * (tt - t * t / count)
    return (st - s * t / count) / math.sqrt(spread) if spread > 0.0 else 0.0
