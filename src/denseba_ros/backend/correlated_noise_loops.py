"""Points of one view in another, with the derivatives and displacements that ``correlated_noise``
needs of each, as one compiled loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO
from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float64]
_Three = tuple[float, float, float]
# The power of the terms of the field halves with each degree: amplitudes of degrees 1, 2 and 3.
_FIRST, _SECOND, _THIRD = 0.5**0.5, 0.5, 0.5**1.5


@numba_jit()
def _terms(x: float, y: float, out: Floats) -> None:
    """Displacement ``out`` (2, 13) at (x, y) by each term of the field, of unit size: 1, x, y, x^2,
    xy, y^2 of each axis, then radial distortion."""
    out[:] = 0.0
    for axis in range(2):
        first = 6 * axis
        out[axis, first] = 1.0
        out[axis, first + 1], out[axis, first + 2] = _FIRST * x, _FIRST * y
        out[axis, first + 3] = _SECOND * x * x
        out[axis, first + 4], out[axis, first + 5] = _SECOND * x * y, _SECOND * y * y
    radial = _THIRD * (x * x + y * y)
    out[0, 12], out[1, 12] = x * radial, y * radial


@numba_jit("void(f8[:, ::1], f8[::1], f8[:, :, ::1])", keeps_lock=True)
def field_terms(pixels: Floats, numbers: Floats, terms: Floats) -> None:
    """Fill ``terms`` (N, 2, 13) at ``pixels`` (N, 2); ``numbers``: fx, fy, cx, cy, half a width."""
    _, _, cx, cy, half = numbers
    for n in range(len(pixels)):
        _terms((pixels[n, 0] - cx) / half, (pixels[n, 1] - cy) / half, terms[n])


@numba_jit()
def _in_target(u: float, v: float, d: float, T: Floats, numbers: Floats) -> _Three:
    """Point (3,) in the target of a pixel with the inverse depth ``d``, times that."""
    a, b = (u - numbers[2]) / numbers[0], (v - numbers[3]) / numbers[1]
    return (
        T[0, 0] * a + T[0, 1] * b + T[0, 2] + T[0, 3] * d,
        T[1, 0] * a + T[1, 1] * b + T[1, 2] + T[1, 3] * d,
        T[2, 0] * a + T[2, 1] * b + T[2, 2] + T[2, 3] * d,
    )


@numba_jit()
def _place(u: float, v: float, d: float, T: Floats, numbers: Floats) -> tuple[float, float]:
    """Where the pixel with the inverse depth ``d`` lies in the target, pixels."""
    X, Y, Z = _in_target(u, v, d, T, numbers)
    scale = 1.0 / max(Z, MIN_DEPTH_RATIO)
    return X * scale * numbers[0] + numbers[2], Y * scale * numbers[1] + numbers[3]


@numba_jit("void(f8[:, ::1], f8[::1], f8[:, ::1], f8[::1], f8[:, ::1], f8[::1])", keeps_lock=True)
def places(
    pixels: Floats, depth: Floats, T: Floats, numbers: Floats, found: Floats, ratio: Floats
) -> None:
    """Fill ``found`` (N, 2) pixels in the target and ``ratio`` (N,) of the depths there and here,
    by ``T`` (4, 4) T_target_host."""
    for n in range(len(pixels)):
        u, v, d = pixels[n, 0], pixels[n, 1], depth[n]
        found[n, 0], found[n, 1] = _place(u, v, d, T, numbers)
        ratio[n] = _in_target(u, v, d, T, numbers)[2]


@numba_jit(
    "void(f8[:, ::1], f8[::1], f8[:, ::1], f8[::1], f8[:, ::1], f8[:, :, ::1], f8[:, ::1],"
    " f8[:, :, ::1])",
    keeps_lock=True,
)
def linearise(
    pixels: Floats,
    depth: Floats,
    T: Floats,
    numbers: Floats,
    found: Floats,
    J_pose: Floats,
    J_depth: Floats,
    field: Floats,
) -> None:
    """Fill the last three as in ``correlated_noise.TwoViewLinearisation``; ``found`` (N, 2) are the
    pixels in the target, all in front of it."""
    fx, fy, cx, cy, half = numbers
    here, there = np.empty((2, 13)), np.empty((2, 13))
    for n in range(len(pixels)):
        u, v, d = pixels[n, 0], pixels[n, 1], depth[n]
        X, Y, Z = _in_target(u, v, d, T, numbers)
        scale = 1.0 / Z
        x, y, e = X * scale, Y * scale, d * scale
        p, q = fx / half, fy / half
        J_pose[n] = 0.0
        J_pose[n, 0, 0], J_pose[n, 1, 1] = p * e, q * e
        J_pose[n, 0, 2], J_pose[n, 1, 2] = -p * e * x, -q * e * y
        J_pose[n, 0, 3], J_pose[n, 1, 3] = -p * x * y, -q * (1.0 + y * y)
        J_pose[n, 0, 4], J_pose[n, 1, 4] = p * (1.0 + x * x), q * x * y
        J_pose[n, 0, 5], J_pose[n, 1, 5] = -p * y, q * x
        J_depth[n, 0] = p * e * (T[0, 3] - x * T[2, 3])
        J_depth[n, 1] = q * e * (T[1, 3] - y * T[2, 3])
        _terms((u - cx) / half, (v - cy) / half, here)
        _terms((found[n, 0] - cx) / half, (found[n, 1] - cy) / half, there)
        right, below = _place(u + 1.0, v, d, T, numbers), _place(u, v + 1.0, d, T, numbers)
        for axis in range(2):
            by_x, by_y = right[axis] - found[n, axis], below[axis] - found[n, axis]
            for m in range(13):
                field[n, axis, m] = there[axis, m] - by_x * here[0, m] - by_y * here[1, m]
