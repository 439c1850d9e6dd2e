"""The depth map on the CPU, by numba: scattered points, and the cells between them filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
# Sweeps whose rows stay in the first cache of a CPU.
_TOGETHER = 5


@numba_jit()
def _push(value: Floats, weight: Floats, coarse_value: Floats, coarse_weight: Floats) -> None:
    """Weighted mean and weight (at most 1) of two by two cells, of fewer at an odd border."""
    h, w = value.shape
    rows = np.empty((2, w + w % 2), np.float32)
    for y in range(coarse_value.shape[0]):
        first, height = 2 * y, min(2, h - 2 * y)
        for x in range(w):
            rows[0, x] = value[first, x] * weight[first, x]
            rows[1, x] = weight[first, x]
        if height == 2:
            for x in range(w):
                rows[0, x] += value[first + 1, x] * weight[first + 1, x]
                rows[1, x] += weight[first + 1, x]
        rows[:, w:] = np.float32(0)
        share = np.float32(0.5) / np.float32(height)
        for x in range(coarse_value.shape[1]):
            total = (rows[0, 2 * x] + rows[0, 2 * x + 1]) * share
            weights = (rows[1, 2 * x] + rows[1, 2 * x + 1]) * share
            if 2 * x + 1 == w:
                total, weights = np.float32(2) * total, np.float32(2) * weights
            coarse_value[y, x] = total / max(weights, np.float32(1e-12))
            coarse_weight[y, x] = min(weights, np.float32(1))


@numba_jit()
def _pull(value: Floats, weight: Floats, coarse: Floats, filled: Floats) -> None:
    """Where there is little weight, the bilinear value of ``coarse`` (2, h', w') takes over;
    ``filled`` (2, h, w) is that and the support of each cell."""
    h, w = value.shape
    below, wide = coarse.shape[1:]
    left, right, shares = np.empty(w, np.uintp), np.empty(w, np.uintp), np.empty(w, np.float32)
    half, zero, one = np.float32(0.5), np.float32(0), np.float32(1)
    step_x, step_y = np.float32(wide) / np.float32(w), np.float32(below) / np.float32(h)
    for x in range(w):
        u = max((np.float32(x) + half) * step_x - half, zero)
        left[x], right[x] = int(u), min(int(u) + 1, wide - 1)
        shares[x] = u - np.float32(int(u))
    around, support = np.empty(wide, np.float32), np.empty(wide, np.float32)
    for y in range(h):
        v = max((np.float32(y) + half) * step_y - half, zero)
        upper, lower = int(v), min(int(v) + 1, below - 1)
        share = v - np.float32(upper)
        for x in range(wide):
            around[x] = coarse[0, upper, x] + share * (coarse[0, lower, x] - coarse[0, upper, x])
        for x in range(wide):
            support[x] = coarse[1, upper, x] + share * (coarse[1, lower, x] - coarse[1, upper, x])
        for x in range(w):
            a, b, fx = left[x], right[x], shares[x]
            own = min(weight[y, x] * np.float32(20), one)
            mean = around[a] + fx * (around[b] - around[a])
            filled[0, y, x] = mean + own * (value[y, x] - mean)
            far = np.float32(0.25) * (support[a] + fx * (support[b] - support[a]))
            filled[1, y, x] = max(weight[y, x], far)


@numba_jit()
def push_pull(value: Floats, weight: Floats) -> Floats:
    """Value and support (2, h, w) of every cell from ever coarser weighted means."""
    values, weights = [value], [weight]
    while max(values[-1].shape) > 2:
        h, w = values[-1].shape
        coarse_value = np.empty(((h + 1) // 2, (w + 1) // 2), np.float32)
        coarse_weight = np.empty_like(coarse_value)
        _push(values[-1], weights[-1], coarse_value, coarse_weight)
        values.append(coarse_value)
        weights.append(coarse_weight)
    filled = np.empty((2, *values[-1].shape), np.float32)
    total = (values[-1] * weights[-1]).sum()
    filled[0] = total / max(weights[-1].sum(), np.float32(1e-12))
    filled[1] = weights[-1]
    for level in range(len(values) - 2, -1, -1):
        coarse = filled
        filled = np.empty((2, *values[level].shape), np.float32)
        _pull(values[level], weights[level], coarse, filled)
    return filled


@numba_jit()
def sweep_terms(value: Floats, weight: Floats, edges: Floats, smoothness: float) -> Floats:
    """What a sweep multiplies (5, h, w) with (1, right, left, lower, upper neighbour)."""
    h, w = value.shape
    terms = np.empty((5, h, w), np.float32)
    for y in range(h):
        for x in range(w):
            right, lower = smoothness * edges[0, y, x], smoothness * edges[1, y, x]
            left = smoothness * edges[0, y, x - 1] if x > 0 else np.float32(0)
            upper = smoothness * edges[1, y - 1, x] if y > 0 else np.float32(0)
            share = np.float32(1) / max(
                weight[y, x] + right + lower + left + upper, np.float32(1e-9)
            )
            terms[0, y, x] = weight[y, x] * value[y, x] * share
            terms[1, y, x], terms[2, y, x] = right * share, left * share
            terms[3, y, x], terms[4, y, x] = lower * share, upper * share
    return terms


@numba_jit()
def _sweep_row(d: Floats, new: Floats, terms: Floats, y: int) -> None:
    """One Jacobi step of row ``y`` from ``d`` to ``new``, flat with a border of one cell."""
    w = terms.shape[2]
    wide = w + 2
    row = (y + 1) * wide + 1
    own, right, left, lower, upper = terms[0, y], terms[1, y], terms[2, y], terms[3, y], terms[4, y]
    out = new[row : row + w]
    after, before = d[row + 1 : row + w + 1], d[row - 1 : row + w - 1]
    below, above = d[row + wide : row + wide + w], d[row - wide : row - wide + w]
    # Two loops, because with more arrays the compiler does not see that none overlaps.
    for x in range(np.uintp(w)):
        out[x] = own[x] + (right[x] * after[x] + left[x] * before[x])
    for x in range(np.uintp(w)):
        out[x] += lower[x] * below[x] + upper[x] * above[x]


@numba_jit()
def relax(start: Floats, terms: Floats, sweeps: int, result: Floats) -> None:
    """Jacobi sweeps from ``start`` to ``result`` (h, w); beyond the border everything is zero.

    A few sweeps pass over the rows together, each a row behind the one before, so that the terms
    of those rows come from memory once.
    """
    h, w = start.shape
    d = np.zeros((_TOGETHER + 1, (h + 2) * (w + 2)), np.float32)
    for y in range(h):
        d[0, (y + 1) * (w + 2) + 1 : (y + 2) * (w + 2) - 1] = start[y]
    last = 0
    for done in range(0, sweeps, _TOGETHER):
        d[0] = d[last]
        last = min(_TOGETHER, sweeps - done)
        for front in range(h + last - 1):
            for k in range(last):
                if 0 <= front - k < h:
                    _sweep_row(d[k], d[k + 1], terms, front - k)
    for y in range(h):
        result[y] = d[last, (y + 1) * (w + 2) + 1 : (y + 2) * (w + 2) - 1]


@numba_jit()
def _box_sum(padded: Floats, y: int, wide: Floats, result: Floats) -> None:
    """Sums ``result`` (w,) over 9 x 9 cells around row ``y`` of what is ``padded`` (h + 8, w + 8)
    by four cells, threes of threes along a row; ``wide`` (w + 8,) is overwritten."""
    wide[:] = padded[y]
    for row in range(y + 1, y + 9):
        for x in range(np.uintp(len(wide))):
            wide[x] += padded[row, x]
    for x in range(np.uintp(len(wide) - 2)):
        wide[x] += wide[x + np.uintp(1)] + wide[x + np.uintp(2)]
    for x in range(np.uintp(len(result))):
        result[x] = wide[x] + wide[x + np.uintp(3)] + wide[x + np.uintp(6)]


@numba_jit()
def disagreement(d: Floats, value: Floats, weight: Floats, relative: bool, result: Floats) -> None:
    """Mean squared distance ``result`` (h, w) of the points around each cell from the map ``d``,
    as a share of it where ``relative``."""
    h, w = d.shape
    error, certain = np.zeros((2, h + 8, w + 8), np.float32)
    for y in range(h):
        row, depth, mean, known = error[y + 4, 4:], d[y], value[y], weight[y]
        certain[y + 4, 4 : w + 4] = known
        for x in range(np.uintp(w)):
            unit = max(depth[x], np.float32(1e-9)) if relative else np.float32(1)
            off = (mean[x] - depth[x]) / unit
            row[x] = known[x] * off * off
    wide, near = np.empty(w + 8, np.float32), np.empty(w, np.float32)
    for y in range(h):
        _box_sum(certain, y, wide, near)
        _box_sum(error, y, wide, result[y])
        # Nine by nine cells: the mean of the weights is limited, not their sum.
        for x in range(np.uintp(w)):
            result[y, x] /= max(near[x], np.float32(81e-9))


@numba_jit()
def _deviation(
    d: Floats, value: Floats, weight: Floats, support: Floats, unknown: float, result: Floats
) -> None:
    """Relative deviation (h, w): weight back to sigma, plus how far nearby points disagree."""
    disagreement(d, value, weight, True, result)
    for y in range(d.shape[0]):
        row, supported = result[y], support[y]
        for x in range(np.uintp(d.shape[1])):
            own = np.float32(1e-4) / max(supported[x], np.float32(1e-4))
            row[x] = min(np.sqrt(own + row[x]), unknown)


@numba_jit(
    "void(int64, int64, float32[:,:,::1], float32[:,:,::1], float32[:,:,:,::1], float32, int64,"
    " float32, float32[:,:,:,::1])"
)
def fill_maps(
    begin: int,
    end: int,
    value: Floats,
    weight: Floats,
    edges: Floats,
    smoothness: float,
    sweeps: int,
    unknown: float,
    result: Floats,
) -> None:
    """Fill maps ``begin`` to ``end`` of ``result`` (K, 2, h, w) as ``depth_map.fill`` does, from
    ``value`` and ``weight`` (K, h, w) and ``edges`` (K, 2, h, w) times ``smoothness``."""
    for k in range(begin, end):
        start = push_pull(value[k], weight[k])
        terms = sweep_terms(value[k], weight[k], edges[k], smoothness)
        relax(start[0], terms, sweeps, result[k, 0])
        _deviation(result[k, 0], value[k], weight[k], start[1], unknown, result[k, 1])


@numba_jit("void(int64[::1], float32[::1], float32[::1], float32, float32[::1], float32[::1])")
def scatter(
    index: NDArray[np.int64],
    value: Floats,
    weight: Floats,
    near: float,
    mean: Floats,
    total: Floats,
) -> None:
    """Weighted ``mean`` and ``total`` weight (C,) of the values (M,) in each cell of ``index``
    (M,), zeros at first; of those with a weight, only what is at least ``near`` times the largest
    of the cell counts."""
    for m in range(len(index)):
        if weight[m] > 0.0:
            mean[index[m]] = max(mean[index[m]], value[m])
    largest = mean.copy()
    mean[:] = np.float32(0)
    for m in range(len(index)):
        cell = index[m]
        if weight[m] > 0.0 and value[m] >= near * largest[cell]:
            total[cell] += weight[m]
            mean[cell] += weight[m] * value[m]
    for cell in range(len(total)):
        mean[cell] /= max(total[cell], np.float32(1e-12))
