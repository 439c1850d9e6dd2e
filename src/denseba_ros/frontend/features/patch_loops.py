"""Patches of an image as compiled loops on the CPU: cut out straight, or warped."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.grey import PAD
from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Cells = NDArray[np.int32]

# Side of the window: a multiple of eight, the vector length. It is even, so it reaches one pixel
# farther to the left and up; a window centred between four pixels would blur the template by
# interpolation. The window of any point in the image fits: PAD = WINDOW // 2 + 2.
WINDOW = 2 * (PAD - 2)
AROUND = WINDOW + 2
# A warp that moves a pixel's neighbours by less than this (pixels) counts as the identity.
_MIN_WARP = 0.03


@numba_jit()
def corner_and_weights(
    x: float, y: float, side: int, width: np.uintp
) -> tuple[np.uintp, np.float32, np.float32, np.float32, np.float32]:
    """Flat index of the first pixel of a window around (x, y), and its bilinear weights."""
    left, top = x + PAD - side // 2, y + PAD - side // 2
    column, row = math.floor(left), math.floor(top)
    u, v = np.float32(left - column), np.float32(top - row)
    one = np.float32(1)
    first = np.uintp(row) * width + np.uintp(column)
    return first, (one - u) * (one - v), u * (one - v), (one - u) * v, u * v


@numba_jit()
def clamped(x: float, high: float) -> float:
    """x between 0 and high; 0 for NaN, which must not become an index."""
    return min(x, high) if x > 0.0 else 0.0


@numba_jit()
def cut(image: Floats, x: float, y: float, around: Floats) -> None:
    """Sample ``around`` (AROUND^2,) at (x, y). Loops vectorise with unsigned indices only."""
    flat, w = image.ravel(), np.uintp(image.shape[1])
    one, wide = np.uintp(1), np.uintp(AROUND)
    row, a, b, c, d = corner_and_weights(x, y, AROUND, w)
    to = np.uintp(0)
    for _ in range(AROUND):
        for j in range(wide):
            k = row + j
            around[to + j] = (
                a * flat[k] + b * flat[k + one] + c * flat[k + w] + d * flat[k + w + one]
            )
        row += w
        to += wide


@numba_jit()
def cut_warped(
    image: Floats, x: float, y: float, warp: Floats, around: Floats, work: Floats, cells: Cells
) -> None:
    """The same with a ``warp`` (2, 2): pixels of this image per pixel of the target.

    ``work`` (6, AROUND^2) and ``cells`` (AROUND^2,) are overwritten. Three loops, so that all but
    the reading of single pixels is vectorised.
    """
    flat, width = image.ravel(), np.int32(image.shape[1])
    half, side = np.float32(AROUND // 2), np.uintp(AROUND)
    right, bottom = np.float32(image.shape[1] - 1.001), np.float32(image.shape[0] - 1.001)
    left, top, zero = np.float32(x + PAD), np.float32(y + PAD), np.float32(0)
    u, v, to = work[4], work[5], np.uintp(0)
    for i in range(AROUND):
        dy = np.float32(i) - half
        for j in range(side):
            dx = np.float32(np.int32(j)) - half
            # In this order NaN becomes zero: it must not become an index.
            at_x = min(right, max(zero, left + warp[0, 0] * dx + warp[0, 1] * dy))
            at_y = min(bottom, max(zero, top + warp[1, 0] * dx + warp[1, 1] * dy))
            column, row = np.int32(at_x), np.int32(at_y)
            u[to + j], v[to + j] = at_x - np.float32(column), at_y - np.float32(row)
            cells[to + j] = row * width + column
        to += side
    one, w, count = np.uintp(1), np.uintp(width), np.uintp(AROUND * AROUND)
    for m in range(count):
        k = np.uintp(cells[m])
        work[0, m], work[1, m] = flat[k], flat[k + one]
        work[2, m], work[3, m] = flat[k + w], flat[k + w + one]
    for m in range(count):
        upper = work[0, m] + u[m] * (work[1, m] - work[0, m])
        lower = work[2, m] + u[m] * (work[3, m] - work[2, m])
        around[m] = upper + v[m] * (lower - upper)


@numba_jit()
def is_identity(warp: Floats) -> bool:
    """Whether ``warp`` (2, 2) moves no neighbour of a pixel by ``_MIN_WARP`` or more."""
    off = max(abs(warp[0, 1]), abs(warp[1, 0]))
    result: bool = max(abs(warp[0, 0] - 1), abs(warp[1, 1] - 1), off) < _MIN_WARP
    return result
