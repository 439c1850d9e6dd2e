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
    x: float, y: float, side: np.uintp, width: np.uintp
) -> tuple[np.uintp, np.float32, np.float32, np.float32, np.float32]:
    """Flat index of the first pixel of a window around (x, y), and its bilinear weights."""
    half = float(side // np.uintp(2))
    left, top = x + PAD - half, y + PAD - half
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
def cut(flat: Floats, width: np.uintp, x: float, y: float, side: np.uintp, values: Floats) -> None:
    """Sample the window ``values`` (side^2,) at (x, y) of the image ``flat`` (height * width,).

    ``side`` must be unknown to the compiler: it unrolls rows of a known length before it would use
    vector units, which takes three times as long. Loops vectorise with unsigned indices only.
    """
    row, a, b, c, d = corner_and_weights(x, y, side, width)
    one, to = np.uintp(1), np.uintp(0)
    for _ in range(side):
        for j in range(side):
            k = row + j
            values[to + j] = (
                a * flat[k] + b * flat[k + one] + c * flat[k + width] + d * flat[k + width + one]
            )
        row += width
        to += side


@numba_jit()
def cut_warped(
    flat: Floats,
    width: np.uintp,
    x: float,
    y: float,
    warp: Floats,
    side: np.uintp,
    values: Floats,
    u: Floats,
    v: Floats,
    cells: Cells,
) -> None:
    """The same with a ``warp`` (2, 2): pixels of this image per pixel of the target.

    ``u``, ``v`` and ``cells`` (side^2,) are overwritten. Two loops, so that all but the reading of
    single pixels is vectorised.
    """
    half, wide = np.float32(side // np.uintp(2)), np.int32(width)
    right = np.float32(float(width) - 1.001)
    bottom = np.float32(float(np.uintp(flat.size) // width) - 1.001)
    left, top, zero = np.float32(x + PAD), np.float32(y + PAD), np.float32(0)
    xx, xy, yx, yy = warp[0, 0], warp[0, 1], warp[1, 0], warp[1, 1]
    to = np.uintp(0)
    for i in range(side):
        dy = np.float32(np.int32(i)) - half
        row_x, row_y = left + xy * dy, top + yy * dy
        for j in range(side):
            dx = np.float32(np.int32(j)) - half
            # In this order NaN becomes zero: it must not become an index.
            at_x = min(right, max(zero, row_x + xx * dx))
            at_y = min(bottom, max(zero, row_y + yx * dx))
            column, row = np.int32(at_x), np.int32(at_y)
            u[to + j], v[to + j] = at_x - np.float32(column), at_y - np.float32(row)
            cells[to + j] = row * wide + column
        to += side
    one = np.uintp(1)
    for m in range(to):
        k = np.uintp(cells[m])
        upper = flat[k] + u[m] * (flat[k + one] - flat[k])
        lower = flat[k + width] + u[m] * (flat[k + width + one] - flat[k + width])
        values[m] = upper + v[m] * (lower - upper)


@numba_jit()
def is_identity(warp: Floats) -> bool:
    """Whether ``warp`` (2, 2) moves no neighbour of a pixel by ``_MIN_WARP`` or more."""
    off = max(abs(warp[0, 1]), abs(warp[1, 0]))
    result: bool = max(abs(warp[0, 0] - 1), abs(warp[1, 1] - 1), off) < _MIN_WARP
    return result
