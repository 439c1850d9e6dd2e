"""Projection of points with an inverse depth as one compiled loop on the CPU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]


@numba_jit(
    "void(f4[:, ::1], f4[::1], f4[:, ::1], f4[::1], f4, f4[:, ::1], f4[:, ::1], f4[::1], f4[::1],"
    " b1[::1])",
    keeps_lock=True,
)
def project_points(
    rays: Floats,
    host_depth: Floats,
    T: Floats,
    intrinsics: Floats,
    nearest: float,
    pixels: Floats,
    xy: Floats,
    inverse_depth: Floats,
    scale: Floats,
    in_front: NDArray[np.bool_],
) -> None:
    """Fill the last five as ``pinhole.project`` does, to the last bit.

    ``rays`` (N, 3) with z = 1, ``host_depth`` (N,) inverse, ``T`` (4, 4) T_target_host,
    ``intrinsics`` (fx, fy, cx, cy), ``nearest`` depth ratio that projects.
    """
    fx, fy, cx, cy = intrinsics
    for n in range(len(rays)):
        a, b, d = rays[n, 0], rays[n, 1], host_depth[n]
        X = T[0, 0] * a + T[0, 1] * b + (T[0, 2] + T[0, 3] * d)
        Y = T[1, 0] * a + T[1, 1] * b + (T[1, 2] + T[1, 3] * d)
        Z = T[2, 0] * a + T[2, 1] * b + (T[2, 2] + T[2, 3] * d)
        in_front[n] = nearest < Z
        if nearest > Z:
            Z = nearest
        ratio = np.float32(1) / Z
        x, y = X * ratio, Y * ratio
        pixels[n, 0], pixels[n, 1] = x * fx + cx, y * fy + cy
        xy[n, 0], xy[n, 1] = x, y
        inverse_depth[n], scale[n] = d * ratio, ratio
