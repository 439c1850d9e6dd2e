"""Lucas-Kanade flow of many points through the levels of two images and back, compiled.

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
    WINDOW,
    clamped,
    cut,
    cut_warped,
    is_identity,
)
from denseba_ros.geometry.grey import PAD
from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
LEVELS = 5
"""Of a pyramid that the loops take."""
Levels = tuple[Floats, Floats, Floats, Floats, Floats]
_Four = tuple[float, float, float, float]

# Converged: a step below this (pixels), or two steps whose sum is (oscillation at the minimum).
_CONVERGED = 0.02
# Least mean squared gradient (squared grey levels per squared pixel) in the weakest direction.
_MIN_GRADIENT = 0.1
# Largest contrast of the target over that of the template; its inverse is the smallest.
_MAX_GAIN = 3.0
_ITERATIONS = 10
# Tracks whose forward-backward error is larger (pixels) are dropped.
_MAX_BACKWARD_ERROR = np.float32(1.0)
_MIN_DETERMINANT = np.float32(0.05)


@numba_jit()
def _differentiate(around: Floats, side: np.uintp, patch: Floats, gx: Floats, gy: Floats) -> None:
    """Write the patch and its gradients (side^2,) from ``around``, which has one more pixel on each
    side. A loop for each, as the compiler vectorises only one result well."""
    one, wide, half = np.uintp(1), side + np.uintp(2), np.float32(0.5)
    at, to = np.uintp(0), wide + one
    for _ in range(side):
        for j in range(side):
            patch[at + j] = around[to + j]
        for j in range(side):
            gx[at + j] = half * (around[to + j + one] - around[to + j - one])
        for j in range(side):
            gy[at + j] = half * (around[to + j + wide] - around[to + j - wide])
        at += side
        to += wide


@numba_jit("UniTuple(f8, 4)(f4[::1], f4[::1], f4[::1])", reorders_sums=True)
def _orthogonalise(patch: Floats, gx: Floats, gy: Floats) -> _Four:
    """Project changes of gain and offset out of the gradients, and the mean out of the patch.

    Returns the gradients' second moments (xx, xy, yy) and the patch's.
    """
    count, size = np.uintp(patch.size), np.float32(patch.size)
    zero = np.float32(0)
    mean, mean_x, mean_y = zero, zero, zero
    for k in range(count):
        mean += patch[k]
        mean_x += gx[k]
        mean_y += gy[k]
    mean, mean_x, mean_y = mean / size, mean_x / size, mean_y / size
    contrast, share_x, share_y = zero, zero, zero
    for k in range(count):
        p, x, y = patch[k] - mean, gx[k] - mean_x, gy[k] - mean_y
        patch[k], gx[k], gy[k] = p, x, y
        contrast += p * p
        share_x += p * x
        share_y += p * y
    contrast = max(contrast, np.float32(1e-6))
    share_x, share_y = share_x / contrast, share_y / contrast
    xx, xy, yy = zero, zero, zero
    for k in range(count):
        x, y = gx[k] - share_x * patch[k], gy[k] - share_y * patch[k]
        gx[k], gy[k] = x, y
        xx += x * x
        xy += x * y
        yy += y * y
    return float(xx), float(xy), float(yy), float(contrast)


@numba_jit()
def _min_eigenvalue(moments: _Four) -> float:
    """Smaller eigenvalue of the second moments (xx, xy, yy) of gradients."""
    xx, xy, yy, _ = moments
    return 0.5 * (xx + yy - math.sqrt((xx - yy) ** 2 + 4 * xy * xy))


@numba_jit("UniTuple(f8, 3)(f4[::1], f4[::1], f4[::1], f4[::1])", reorders_sums=True)
def _correlations(
    values: Floats, patch: Floats, gx: Floats, gy: Floats
) -> tuple[float, float, float]:
    """Sums of the window ``values`` (side^2,) times the patch and each gradient.

    The gradients are orthogonal to the patch, so it need not be subtracted from the window.
    """
    by_patch, by_x, by_y = np.float32(0), np.float32(0), np.float32(0)
    for k in range(np.uintp(values.size)):
        by_patch += values[k] * patch[k]
        by_x += values[k] * gx[k]
        by_y += values[k] * gy[k]
    return float(by_patch), float(by_x), float(by_y)


@numba_jit()
def _descend(
    flat: Floats,
    width: np.uintp,
    x: float,
    y: float,
    side: np.uintp,
    patch: Floats,
    gx: Floats,
    gy: Floats,
    moments: _Four,
    values: Floats,
) -> tuple[float, float]:
    """Gauss-Newton from (x, y) on the difference of image and template; returns (x, y)."""
    right = float(width) - 2 * PAD - 1.0
    bottom = float(np.uintp(flat.size) // width) - 2 * PAD - 1.0
    xx, xy, yy, contrast = moments
    determinant = xx * yy - xy * xy
    last_x, last_y = 0.0, 0.0
    for _ in range(_ITERATIONS):
        x, y = clamped(x, right), clamped(y, bottom)
        cut(flat, width, x, y, side, values)
        by_patch, by_x, by_y = _correlations(values, patch, gx, gy)
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


@numba_jit()
def _to_level(pixel: Floats, scale: float) -> tuple[float, float]:
    """A ``pixel`` (2,) of level 0 on the level of ``scale``."""
    return (float(pixel[0]) + 0.5) * scale - 0.5, (float(pixel[1]) + 0.5) * scale - 0.5


@numba_jit(
    "void(i8, i8, f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, :, ::1], b1[::1], b1[::1],"
    " i8, i8)"
)
def _track_on_level(
    begin: int,
    end: int,
    source: Floats,
    target: Floats,
    points: Floats,
    target_pixels: Floats,
    warps: Floats,
    is_wanted: Bools,
    is_tracked: Bools,
    level: int,
    side: int,
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
        is_wanted: (M,), whether to track the point.
        is_tracked: result (M,), whether the point is wanted, its template has enough gradient and
            the pixel is inside the target.
        level: 0 the finest.
        side: WINDOW, which the compiler must not know (see ``patch_loops.cut``).
    """
    window = np.uintp(side)
    wide = window + np.uintp(2)
    around, values = np.empty(wide * wide, np.float32), np.empty(window * window, np.float32)
    u, v, cells = np.empty_like(around), np.empty_like(around), np.empty(around.size, np.int32)
    patch, gx, gy = np.empty_like(values), np.empty_like(values), np.empty_like(values)
    # The compiler would count references to the image at each call that makes it flat.
    flat_source, flat_target, width = source.ravel(), target.ravel(), np.uintp(target.shape[1])
    right, bottom = target.shape[1] - 2 * PAD - 1.0, target.shape[0] - 2 * PAD - 1.0
    scale = 1.0 / (1 << level)
    for m in range(begin, end):
        from_x, from_y = _to_level(points[m], scale)
        x, y = _to_level(target_pixels[m], scale)
        is_inside = -1.0 <= x <= right + 1.0 and -1.0 <= y <= bottom + 1.0
        is_tracked[m] = is_wanted[m] and is_inside
        if not is_tracked[m]:
            continue
        from_x, from_y = clamped(from_x, right), clamped(from_y, bottom)
        if is_identity(warps[m]):
            cut(flat_source, width, from_x, from_y, wide, around)
        else:
            cut_warped(flat_source, width, from_x, from_y, warps[m], wide, around, u, v, cells)
        _differentiate(around, window, patch, gx, gy)
        moments = _orthogonalise(patch, gx, gy)
        is_tracked[m] = _min_eigenvalue(moments) > _MIN_GRADIENT * WINDOW * WINDOW
        if is_tracked[m]:
            x, y = _descend(flat_target, width, x, y, window, patch, gx, gy, moments, values)
            is_tracked[m] = 0.0 <= x <= right and 0.0 <= y <= bottom
            target_pixels[m, 0], target_pixels[m, 1] = (
                (x + 0.5) / scale - 0.5,
                (y + 0.5) / scale - 0.5,
            )


@numba_jit()
def _invert(warp: Floats, inverse: Floats) -> None:
    """Write the inverse of ``warp`` (2, 2); the identity if it is nearly singular."""
    one, zero = np.float32(1), np.float32(0)
    determinant = warp[0, 0] * warp[1, 1] - warp[0, 1] * warp[1, 0]
    inverse[0, 0] = inverse[1, 1] = one
    inverse[0, 1] = inverse[1, 0] = zero
    if abs(determinant) > _MIN_DETERMINANT:
        inverse[0, 0], inverse[0, 1] = warp[1, 1] / determinant, -warp[0, 1] / determinant
        inverse[1, 0], inverse[1, 1] = -warp[1, 0] / determinant, warp[0, 0] / determinant


@numba_jit(
    "void(i8, i8, UniTuple(f4[:, ::1], 5), UniTuple(f4[:, ::1], 5), f4[:, ::1], f4[:, ::1],"
    " f4[:, :, ::1], b1[::1], b1[::1], i8, i8, i8)"
)
def track_both_ways(
    begin: int,
    end: int,
    source: Levels,
    target: Levels,
    points: Floats,
    target_pixels: Floats,
    warps: Floats,
    is_wanted: Bools,
    is_tracked: Bools,
    coarsest: int,
    coarsest_back: int,
    side: int,
) -> None:
    """Track points ``begin`` to ``end`` from level ``coarsest`` down to the finest, and back.

    Args:
        begin: first point.
        end: one after the last point.
        source: the padded levels of the image of the points.
        target: the same of the image to track into.
        points: (M, 2) pixels of level 0 in the source.
        target_pixels: (M, 2) of level 0, initial guess and result.
        warps: (M, 2, 2), pixels of the target per pixel of the source.
        is_wanted: (M,), whether to track the point.
        is_tracked: result (M,), whether it is tracked there and back to where it began.
        coarsest: level to begin at.
        coarsest_back: level to begin at on the way back.
        side: WINDOW, which the compiler must not know (see ``patch_loops.cut``).
    """
    inverse, back, returns = np.empty_like(warps), points.copy(), np.empty_like(is_tracked)
    for m in range(begin, end):
        _invert(warps[m], inverse[m])
    for level in range(coarsest, -1, -1):
        _track_on_level(
            begin, end, source[level], target[level], points, target_pixels, inverse,
            is_wanted, is_tracked, level, side,
        )  # fmt: skip
    for level in range(coarsest_back, -1, -1):
        _track_on_level(
            begin, end, target[level], source[level], target_pixels, back, warps,
            is_tracked, returns, level, side,
        )  # fmt: skip
    for m in range(begin, end):
        x, y = back[m, 0] - points[m, 0], back[m, 1] - points[m, 1]
        is_tracked[m] = returns[m] and x * x + y * y < _MAX_BACKWARD_ERROR * _MAX_BACKWARD_ERROR
