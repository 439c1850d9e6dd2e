"""Matching costs along epipolar lines, compiled for the CPU: all hypotheses of a point at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@numba_jit()
def _project(
    d: Floats,
    a: float,
    b: float,
    T: Floats,
    numbers: Floats,
    image: Floats,
    pixels: Floats,
    is_visible: Floats,
) -> None:
    """Write the ``pixels`` (2, D) of ray (a, b, 1) at the inverse depths ``d`` (D,); ``is_visible``
    (D,) becomes 0 where they are outside the image."""
    fx, fy, cx, cy = numbers[0], numbers[1], numbers[2], numbers[3]
    border, min_z = numbers[4], numbers[5]
    X = T[0, 0] * a + T[0, 1] * b + T[0, 2]
    Y = T[1, 0] * a + T[1, 1] * b + T[1, 2]
    Z = T[2, 0] * a + T[2, 1] * b + T[2, 2]
    tx, ty, tz = T[0, 3], T[1, 3], T[2, 3]
    right = np.float32(image.shape[1] - 1) - border
    below = np.float32(image.shape[0] - 1) - border
    for h in range(len(d)):
        depth = Z + tz * d[h]
        inverse = _ONE / max(depth, min_z)
        u = (X + tx * d[h]) * inverse * fx + cx
        v = (Y + ty * d[h]) * inverse * fy + cy
        ok = (depth > min_z) & (u >= border) & (u <= right) & (v >= border) & (v <= below)
        is_visible[h] = is_visible[h] if ok else _ZERO
        pixels[0, h], pixels[1, h] = u, v


@numba_jit()
def _sample(image: Floats, pixels: Floats, values: Floats) -> None:
    """Bilinear brightness; clamped to the border outside the image, and to a corner for NaN."""
    flat, wide = image.ravel(), image.shape[1]
    right, below = np.float32(wide - 1), np.float32(image.shape[0] - 1)
    for h in range(len(values)):
        u = pixels[0, h] if pixels[0, h] > _ZERO else _ZERO
        v = pixels[1, h] if pixels[1, h] > _ZERO else _ZERO
        u, v = min(u, right), min(v, below)
        # In the last column or row the neighbour has all the weight.
        x, y = max(min(int(u), wide - 2), 0), max(min(int(v), image.shape[0] - 2), 0)
        fx, fy = u - np.float32(x), v - np.float32(y)
        at = np.uintp(y * wide + x)
        under = at + np.uintp(wide)
        upper = flat[at] + fx * (flat[at + np.uintp(1)] - flat[at])
        lower = flat[under] + fx * (flat[under + np.uintp(1)] - flat[under])
        values[h] = upper + fy * (lower - upper)


@numba_jit()
def _add_cost(
    values: Floats, reference: Floats, is_visible: Floats, numbers: Floats, cost: Floats
) -> None:
    """Mean truncated difference of patches, a share of their means' difference subtracted."""
    truncation, share = numbers[6], numbers[7]
    pixels = len(reference)
    mean = _ZERO
    for p in range(pixels):
        mean += reference[p]
    scale = _ONE / np.float32(pixels)
    for h in range(len(cost)):
        total = _ZERO
        for p in range(pixels):
            total += values[p, h]
        shift = share * (total - mean) * scale
        total = _ZERO
        for p in range(pixels):
            total += min(abs(values[p, h] - reference[p] - shift), truncation)
        cost[h] += total * scale if is_visible[h] > _ZERO else _ZERO


@numba_jit()
def _add_rate(centre: Floats, is_visible: Floats, rate: Floats) -> None:
    """Largest distance over the targets, in pixels, between neighbouring hypotheses."""
    last = len(rate) - 1
    for h in range(len(rate)):
        k = min(h, last - 1)
        x, y = centre[0, k + 1] - centre[0, k], centre[1, k + 1] - centre[1, k]
        distance = math.sqrt(x * x + y * y) if is_visible[h] > _ZERO else _ZERO
        rate[h] = max(rate[h], distance)


@numba_jit(
    "void(int64, int64, float32[:,::1], float32[:,:,::1], float32[:,::1], float32[:,:,::1],"
    " float32[:,:,::1], float32[::1], float32[:,::1], float32[:,::1])"
)
def line_costs(
    begin: int,
    end: int,
    d: Floats,
    rays: Floats,
    reference: Floats,
    targets: Floats,
    T: Floats,
    numbers: Floats,
    cost: Floats,
    rate: Floats,
) -> None:
    """For points ``begin`` to ``end``, fill ``cost`` and ``rate`` (N, D) as
    ``epipolar_search.line_costs_torch`` returns them.

    ``d`` (N, D) inverse depths; ``rays`` (N, P, 2) and ``reference`` (N, P) of the patches, the
    last pixel their centre; ``targets`` (J, h, w); ``T`` (J, 4, 4) T_target_host; ``numbers``: fx,
    fy, cx, cy, border, least depth ratio, truncation, share of the means' difference that is
    subtracted, cost of hypotheses outside all targets.
    """
    count = d.shape[1]
    size = rays.shape[1]
    pixels, values = np.empty((2, count), np.float32), np.empty((size, count), np.float32)
    is_visible, views = np.empty(count, np.float32), np.empty(count, np.float32)
    for point in range(begin, end):
        cost[point], rate[point], views[:] = _ZERO, _ZERO, _ZERO
        for target in range(len(targets)):
            is_visible[:] = _ONE
            for p in range(size):
                a, b = rays[point, p]
                _project(d[point], a, b, T[target], numbers, targets[target], pixels, is_visible)
                _sample(targets[target], pixels, values[p])
            _add_cost(values, reference[point], is_visible, numbers, cost[point])
            for h in range(count):
                views[h] += is_visible[h]
            _add_rate(pixels, is_visible, rate[point])
        for h in range(count):
            cost[point, h] = cost[point, h] / views[h] if views[h] > _ZERO else numbers[8]
