"""One pyramid level of Lucas-Kanade flow for many points, compiled.

Lucas, Kanade, IJCAI 1981; with the gradients of the template, as in Bouguet, "Pyramidal
implementation of the Lucas Kanade feature tracker", 2001. The template is warped by the predicted
motion, and gain and offset of the brightness are eliminated: the gradients are made orthogonal to
both (Hager, Belhumeur, "Efficient region tracking with parametric models of geometry and
illumination", PAMI 20(10), 1998).
"""

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
_AROUND = WINDOW + 2
_ITERATIONS = 10
# Converged: a step below this (pixels), or two steps whose sum is (oscillation at the minimum).
_CONVERGED = 0.02
# Least mean squared gradient (squared grey levels per squared pixel) in the weakest direction.
_MIN_GRADIENT = 0.1
# Largest contrast of the target over that of the template; its inverse is the smallest.
_MAX_GAIN = 3.0
# A warp that moves a pixel's neighbours by less than this (pixels) counts as the identity.
_MIN_WARP = 0.03


@numba_jit()
def _corner_and_weights(
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
def _clamped(x: float, high: float) -> float:
    """x between 0 and high; 0 for NaN, which must not become an index."""
    return min(x, high) if x > 0.0 else 0.0


@numba_jit()
def _cut(image: Floats, x: float, y: float, around: Floats) -> None:
    """Sample ``around`` (_AROUND^2,) at (x, y). Loops vectorise with unsigned indices only."""
    flat, w = image.ravel(), np.uintp(image.shape[1])
    one, wide = np.uintp(1), np.uintp(_AROUND)
    row, a, b, c, d = _corner_and_weights(x, y, _AROUND, w)
    to = np.uintp(0)
    for _ in range(_AROUND):
        for j in range(wide):
            k = row + j
            around[to + j] = (
                a * flat[k] + b * flat[k + one] + c * flat[k + w] + d * flat[k + w + one]
            )
        row += w
        to += wide


@numba_jit()
def _cut_warped(
    image: Floats, x: float, y: float, warp: Floats, around: Floats, work: Floats, cells: Cells
) -> None:
    """The same with a ``warp`` (2, 2): pixels of this image per pixel of the target.

    ``work`` (6, _AROUND^2) and ``cells`` (_AROUND^2,) are overwritten. Three loops, so that all but
    the reading of single pixels is vectorised.
    """
    flat, width = image.ravel(), np.int32(image.shape[1])
    half, side = np.float32(_AROUND // 2), np.uintp(_AROUND)
    right, bottom = np.float32(image.shape[1] - 1.001), np.float32(image.shape[0] - 1.001)
    left, top, zero = np.float32(x + PAD), np.float32(y + PAD), np.float32(0)
    u, v, to = work[4], work[5], np.uintp(0)
    for i in range(_AROUND):
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
    one, w, count = np.uintp(1), np.uintp(width), np.uintp(_AROUND * _AROUND)
    for m in range(count):
        k = np.uintp(cells[m])
        work[0, m], work[1, m] = flat[k], flat[k + one]
        work[2, m], work[3, m] = flat[k + w], flat[k + w + one]
    for m in range(count):
        upper = work[0, m] + u[m] * (work[1, m] - work[0, m])
        lower = work[2, m] + u[m] * (work[3, m] - work[2, m])
        around[m] = upper + v[m] * (lower - upper)


@numba_jit()
def _is_identity(warp: Floats) -> bool:
    off = max(abs(warp[0, 1]), abs(warp[1, 0]))
    result: bool = max(abs(warp[0, 0] - 1), abs(warp[1, 1] - 1), off) < _MIN_WARP
    return result


@numba_jit()
def _dot(a: Floats, b: Floats) -> np.float32:
    total = np.float32(0)
    for k in range(WINDOW * WINDOW):
        total += a[k] * b[k]
    return total


@numba_jit()
def _centre(values: Floats) -> None:
    """Subtract the mean."""
    total = np.float32(0)
    for k in range(WINDOW * WINDOW):
        total += values[k]
    mean = total / np.float32(WINDOW * WINDOW)
    for k in range(WINDOW * WINDOW):
        values[k] -= mean


@numba_jit()
def _project_out(values: Floats, direction: Floats) -> None:
    """Make ``values`` orthogonal to ``direction``."""
    share = _dot(values, direction) / max(_dot(direction, direction), np.float32(1e-6))
    for k in range(WINDOW * WINDOW):
        values[k] -= share * direction[k]


@numba_jit()
def _template(around: Floats, patch: Floats, gx: Floats, gy: Floats) -> tuple[float, float, float]:
    """Write patch and gradients (WINDOW^2,) from ``around``; returns the gradients' second moments
    (xx, xy, yy).

    Changes of gain and offset are projected out of the gradients, the mean out of the patch.
    """
    one, side, wide = np.uintp(1), np.uintp(WINDOW), np.uintp(_AROUND)
    half, at, to = np.float32(0.5), np.uintp(0), wide + one
    for _ in range(WINDOW):
        for j in range(side):
            k = to + j
            patch[at + j] = around[k]
            gx[at + j] = half * (around[k + one] - around[k - one])
            gy[at + j] = half * (around[k + wide] - around[k - wide])
        at += side
        to += wide
    _centre(patch)
    for gradient in (gx, gy):
        _centre(gradient)
        _project_out(gradient, patch)
    return float(_dot(gx, gx)), float(_dot(gx, gy)), float(_dot(gy, gy))


@numba_jit()
def _min_eigenvalue(moments: tuple[float, float, float]) -> float:
    """Smaller eigenvalue of the second moments (xx, xy, yy)."""
    xx, xy, yy = moments
    return 0.5 * (xx + yy - math.sqrt((xx - yy) ** 2 + 4 * xy * xy))


@numba_jit()
def _correlations(
    image: Floats, x: float, y: float, patch: Floats, gx: Floats, gy: Floats
) -> tuple[float, float, float]:
    """Sums over the window at (x, y) of the image times the patch and each gradient.

    The gradients are orthogonal to the patch, so it need not be subtracted from the image.
    """
    flat, w = image.ravel(), np.uintp(image.shape[1])
    one, side = np.uintp(1), np.uintp(WINDOW)
    row, a, b, c, d = _corner_and_weights(x, y, WINDOW, w)
    by_patch, by_x, by_y, at = np.float32(0), np.float32(0), np.float32(0), np.uintp(0)
    for _ in range(WINDOW):
        for j in range(side):
            k = row + j
            value = a * flat[k] + b * flat[k + one] + c * flat[k + w] + d * flat[k + w + one]
            by_patch += value * patch[at + j]
            by_x += value * gx[at + j]
            by_y += value * gy[at + j]
        row += w
        at += side
    return float(by_patch), float(by_x), float(by_y)


@numba_jit()
def _descend(
    image: Floats,
    x: float,
    y: float,
    patch: Floats,
    gx: Floats,
    gy: Floats,
    moments: tuple[float, float, float],
) -> tuple[float, float]:
    """Gauss-Newton from (x, y) on the difference of image and template; returns (x, y)."""
    right, bottom = image.shape[1] - 2 * PAD - 1.0, image.shape[0] - 2 * PAD - 1.0
    xx, xy, yy = moments
    determinant = xx * yy - xy * xy
    contrast = max(float(_dot(patch, patch)), 1e-6)
    last_x, last_y = 0.0, 0.0
    for _ in range(_ITERATIONS):
        x, y = _clamped(x, right), _clamped(y, bottom)
        by_patch, by_x, by_y = _correlations(image, x, y, patch, gx, gy)
        gain = min(max(by_patch / contrast, 1.0 / _MAX_GAIN), _MAX_GAIN)
        step_x = (xy * by_y - yy * by_x) / (gain * determinant)
        step_y = (xy * by_x - xx * by_y) / (gain * determinant)
        x, y = x + step_x, y + step_y
        if step_x * step_x + step_y * step_y < _CONVERGED**2:
            break
        if abs(step_x + last_x) < _CONVERGED and abs(step_y + last_y) < _CONVERGED:
            x, y = x - 0.5 * step_x, y - 0.5 * step_y
            break
        last_x, last_y = step_x, step_y
    return x, y


@numba_jit(
    "void(i8, i8, f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, :, ::1], b1[::1], f8)"
)
def track_on_level(
    begin: int,
    end: int,
    source: Floats,
    target: Floats,
    points: Floats,
    target_pixels: Floats,
    warps: Floats,
    is_tracked: NDArray[np.bool_],
    scale: float,
) -> None:
    """Track points ``begin`` to ``end`` on one pyramid level.

    Args:
        begin: first point.
        end: one after the last point.
        source: (h + 2 PAD, w + 2 PAD) padded image of the level.
        target: (h + 2 PAD, w + 2 PAD).
        points: (M, 2) pixels of level 0 in the source.
        target_pixels: (M, 2) of level 0, initial guess and result; unchanged if not tracked.
        warps: (M, 2, 2), pixels of the source per pixel of the target.
        is_tracked: result (M,), whether the template has enough gradient and the pixel is inside
            the target.
        scale: pixels of the level per pixel of level 0.
    """
    around = np.empty(_AROUND * _AROUND, np.float32)
    work, cells = np.empty((6, around.size), np.float32), np.empty(around.size, np.int32)
    patch = np.empty(WINDOW * WINDOW, np.float32)
    gx, gy = np.empty_like(patch), np.empty_like(patch)
    right, bottom = target.shape[1] - 2 * PAD - 1.0, target.shape[0] - 2 * PAD - 1.0
    for m in range(begin, end):
        x, y = (float(points[m, 0]) + 0.5) * scale - 0.5, (float(points[m, 1]) + 0.5) * scale - 0.5
        x, y = _clamped(x, right), _clamped(y, bottom)
        if _is_identity(warps[m]):
            _cut(source, x, y, around)
        else:
            _cut_warped(source, x, y, warps[m], around, work, cells)
        moments = _template(around, patch, gx, gy)
        x, y = (
            (float(target_pixels[m, 0]) + 0.5) * scale - 0.5,
            (float(target_pixels[m, 1]) + 0.5) * scale - 0.5,
        )
        is_tracked[m] = -1.0 <= x <= right + 1.0 and -1.0 <= y <= bottom + 1.0
        is_tracked[m] &= _min_eigenvalue(moments) > _MIN_GRADIENT * WINDOW * WINDOW
        if is_tracked[m]:
            x, y = _descend(target, x, y, patch, gx, gy, moments)
            is_tracked[m] = 0.0 <= x <= right and 0.0 <= y <= bottom
            target_pixels[m, 0], target_pixels[m, 1] = (
                (x + 0.5) / scale - 0.5,
                (y + 0.5) / scale - 0.5,
            )
