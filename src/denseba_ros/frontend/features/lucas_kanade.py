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

from denseba_ros.frontend.features.patch_loops import (
    AROUND,
    WINDOW,
    clamped,
    corner_and_weights,
    cut,
    cut_warped,
    is_identity,
)
from denseba_ros.geometry.grey import PAD
from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Cells = NDArray[np.int32]

_ITERATIONS = 10
# Converged: a step below this (pixels), or two steps whose sum is (oscillation at the minimum).
_CONVERGED = 0.02
# Least mean squared gradient (squared grey levels per squared pixel) in the weakest direction.
_MIN_GRADIENT = 0.1
# Largest contrast of the target over that of the template; its inverse is the smallest.
_MAX_GAIN = 3.0


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
    one, side, wide = np.uintp(1), np.uintp(WINDOW), np.uintp(AROUND)
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
    row, a, b, c, d = corner_and_weights(x, y, WINDOW, w)
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
        x, y = clamped(x, right), clamped(y, bottom)
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
    around = np.empty(AROUND * AROUND, np.float32)
    work, cells = np.empty((6, around.size), np.float32), np.empty(around.size, np.int32)
    patch = np.empty(WINDOW * WINDOW, np.float32)
    gx, gy = np.empty_like(patch), np.empty_like(patch)
    right, bottom = target.shape[1] - 2 * PAD - 1.0, target.shape[0] - 2 * PAD - 1.0
    for m in range(begin, end):
        x, y = (float(points[m, 0]) + 0.5) * scale - 0.5, (float(points[m, 1]) + 0.5) * scale - 0.5
        x, y = clamped(x, right), clamped(y, bottom)
        if is_identity(warps[m]):
            cut(source, x, y, around)
        else:
            cut_warped(source, x, y, warps[m], around, work, cells)
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
