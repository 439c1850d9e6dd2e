"""Matching costs along epipolar lines, compiled for the CPU: all hypotheses of a point at once.

Each loop over the hypotheses does one thing, on arrays of one dimension: so the compiler uses
vector units, and counts no references to arrays inside. Only the reading of pixels stays scalar.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Cells = NDArray[np.int32]

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
# In the last column or row the neighbour has nearly all the weight.
_INSIDE = np.float32(1.001)


@numba_jit()
def _project(
    d: Floats, a: float, b: float, T: Floats, numbers: Floats, u: Floats, v: Floats, z: Floats
) -> None:
    """Write the pixels ``u``, ``v`` (D,) of ray (a, b, 1) at the inverse depths ``d`` (D,) and the
    ratio ``z`` (D,) of the depths in the target and in the host."""
    fx, fy, cx, cy, min_z = numbers[0], numbers[1], numbers[2], numbers[3], numbers[5]
    X = T[0, 0] * a + T[0, 1] * b + T[0, 2]
    Y = T[1, 0] * a + T[1, 1] * b + T[1, 2]
    Z = T[2, 0] * a + T[2, 1] * b + T[2, 2]
    tx, ty, tz = T[0, 3], T[1, 3], T[2, 3]
    for h in range(np.uintp(d.size)):
        depth = Z + tz * d[h]
        inverse = _ONE / max(depth, min_z)
        u[h] = (X + tx * d[h]) * inverse * fx + cx
        v[h] = (Y + ty * d[h]) * inverse * fy + cy
        z[h] = depth


@numba_jit()
def _restrict(
    u: Floats,
    v: Floats,
    z: Floats,
    numbers: Floats,
    right: np.float32,
    below: np.float32,
    visible: Floats,
) -> None:
    """``visible`` (D,) becomes 0 where the pixels are within the border of the image, whose last
    pixel is (right, below), or outside, or behind the camera."""
    border, min_z = numbers[4], numbers[5]
    last_u, last_v = right - border, below - border
    for h in range(np.uintp(u.size)):
        ok = (z[h] > min_z) & (u[h] >= border) & (u[h] <= last_u)
        visible[h] *= np.float32(ok & (v[h] >= border) & (v[h] <= last_v))


@numba_jit()
def _locate(
    u: Floats, v: Floats, width: np.int32, right: np.float32, below: np.float32, cells: Cells
) -> None:
    """Write the flat index ``cells`` (D,) of the pixel before (u, v), clamped to the image; ``u``
    and ``v`` become what is left over."""
    last_u, last_v = right - (_INSIDE - _ONE), below - (_INSIDE - _ONE)
    for h in range(np.uintp(u.size)):
        # In this order NaN becomes zero: it must not become an index.
        x, y = min(last_u, max(_ZERO, u[h])), min(last_v, max(_ZERO, v[h]))
        column, row = np.int32(x), np.int32(y)
        u[h], v[h] = x - np.float32(column), y - np.float32(row)
        cells[h] = row * width + column


@numba_jit()
def _sample(
    flat: Floats, width: np.uintp, cells: Cells, u: Floats, v: Floats, values: Floats, at: np.uintp
) -> None:
    """Bilinear brightness at (u, v) (D,) beyond ``cells`` (D,), into ``values`` from ``at`` on."""
    one = np.uintp(1)
    for h in range(np.uintp(u.size)):
        k = np.uintp(cells[h])
        upper = flat[k] + u[h] * (flat[k + one] - flat[k])
        lower = flat[k + width] + u[h] * (flat[k + width + one] - flat[k + width])
        values[at + h] = upper + v[h] * (lower - upper)


@numba_jit()
def _add_cost(
    values: Floats,
    reference: Floats,
    visible: Floats,
    numbers: Floats,
    shift: Floats,
    total: Floats,
    cost: Floats,
) -> None:
    """Add the mean truncated difference of the patches ``values`` (P D,) from ``reference`` (P,), a
    share of their means' difference subtracted; ``shift``, ``total`` (D,) are overwritten."""
    truncation, share = numbers[6], numbers[7]
    count, scale = np.uintp(cost.size), _ONE / np.float32(reference.size)
    mean, at = _ZERO, np.uintp(0)
    for h in range(count):
        shift[h], total[h] = _ZERO, _ZERO
    for p in range(reference.size):
        mean += reference[p]
        for h in range(count):
            shift[h] += values[at + h]
        at += count
    for h in range(count):
        shift[h] = share * (shift[h] - mean) * scale
    at = np.uintp(0)
    for p in range(reference.size):
        brightness = reference[p]
        for h in range(count):
            total[h] += min(abs(values[at + h] - brightness - shift[h]), truncation)
        at += count
    for h in range(count):
        cost[h] += total[h] * scale * visible[h]


@numba_jit()
def _add_rate(u: Floats, v: Floats, visible: Floats, rate: Floats) -> None:
    """Largest distance over the targets, in pixels, between neighbouring hypotheses."""
    one, last = np.uintp(1), np.uintp(rate.size - 1)
    for h in range(last + one):
        k = h if h < last else last - one
        x, y = u[k + one] - u[k], v[k + one] - v[k]
        distance = np.float32(math.sqrt(x * x + y * y))
        rate[h] = max(rate[h], distance if visible[h] > _ZERO else _ZERO)


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
    count, size = d.shape[1], rays.shape[1]
    width, height = targets.shape[2], targets.shape[1]
    right, below = np.float32(width - 1), np.float32(height - 1)
    u, v, z = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    cells, values = np.empty(count, np.int32), np.empty(size * count, np.float32)
    visible, views = np.empty(count, np.float32), np.empty(count, np.float32)
    for point in range(begin, end):
        depths, costs, rates, patch = d[point], cost[point], rate[point], reference[point]
        costs[:], rates[:], views[:] = _ZERO, _ZERO, _ZERO
        for target in range(len(targets)):
            flat, pose = targets[target].ravel(), T[target]
            visible[:] = _ONE
            for p in range(size):
                _project(depths, rays[point, p, 0], rays[point, p, 1], pose, numbers, u, v, z)
                _restrict(u, v, z, numbers, right, below, visible)
                if p == size - 1:
                    _add_rate(u, v, visible, rates)
                _locate(u, v, np.int32(width), right, below, cells)
                _sample(flat, np.uintp(width), cells, u, v, values, np.uintp(p * count))
            _add_cost(values, patch, visible, numbers, u, v, costs)
            for h in range(count):
                views[h] += visible[h]
        for h in range(count):
            costs[h] = costs[h] / views[h] if views[h] > _ZERO else numbers[8]


@numba_jit(
    "void(int64, int64, float32[:,::1], float32[:,::1], float32[:,::1], float32[::1], float32[::1],"
    " float32[::1], b1[::1])"
)
def choose(
    begin: int,
    end: int,
    d: Floats,
    cost: Floats,
    rate: Floats,
    numbers: Floats,
    value: Floats,
    sigma: Floats,
    good: NDArray[np.bool_],
) -> None:
    """For points ``begin`` to ``end``, fill the inverse depth ``value``, its relative deviation
    ``sigma`` and ``good`` (N,) as ``epipolar_search.choose_torch`` does.

    ``d``, ``cost`` and ``rate`` (N, D); ``numbers``: deviation of a match in pixels, pixels within
    which two hypotheses are one, cost of what does not count, largest cost and least ratio of the
    second cost to that of a good match.
    """
    match, apart, outside, most, uniqueness = numbers
    last = d.shape[1] - 1
    half, least = np.float32(0.5), np.float32(1e-3)
    for n in range(begin, end):
        costs, best = cost[n], 0
        for h in range(1, last + 1):
            if costs[h] < costs[best]:
                best = h
        inner = min(max(best, 1), last - 1)
        left, middle, right = costs[inner - 1], costs[inner], costs[inner + 1]
        curvature = max(left - np.float32(2) * middle + right, least)
        offset = min(max(half * (left - right) / curvature, -half), half)
        step, pixels, second = d[n, 1] - d[n, 0], rate[n, inner], outside
        for h in range(last + 1):
            if np.float32(abs(h - best)) * pixels > apart:
                second = min(second, costs[h])
        value[n] = d[n, inner] + offset * step
        spread = match * step / max(pixels, np.float32(1e-6)) + np.float32(0.3) * step
        sigma[n] = min(spread / max(value[n], np.float32(1e-9)), np.float32(10))
        is_unique = second > uniqueness * costs[best] + _ONE
        good[n] = costs[best] < most and is_unique and 0 < best < last and pixels > _ZERO
