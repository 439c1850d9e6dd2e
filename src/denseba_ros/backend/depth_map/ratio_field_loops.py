"""A smooth field of ratios to a network's depth on the CPU, by numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from denseba_ros.backend.depth_map.depth_map_loops import (
    Floats,
    disagreement,
    push_pull,
    relax,
    sweep_terms,
)
from denseba_ros.numba_jit import numba_jit


@numba_jit()
def _log_ratios(value: Floats, weight: Floats, network: Floats, ratio: Floats) -> Floats:
    """Write log(value / network) to ``ratio`` (h, w), 0 in cells without a weight; returns those of
    the others (M,)."""
    h, w = value.shape
    known, count = np.empty(h * w, np.float32), 0
    for y in range(h):
        for x in range(w):
            ratio[y, x] = np.float32(0)
            if weight[y, x] > 0:
                share = value[y, x] / max(network[y, x], np.float32(1e-6))
                ratio[y, x] = np.log(max(share, np.float32(1e-6)))
                known[count] = ratio[y, x]
                count += 1
    return known[:count]


@numba_jit()
def _centre(ratios: Floats, usual: float, counts_as: float) -> Any:
    """Median of ``ratios`` (M,) and their variance by the median absolute deviation, with the
    ``usual`` one as so many further points."""
    count = len(ratios)
    if count == 0:
        ratios = np.zeros(1, np.float32)
    middle = max(count - 1, 0) // 2
    median = np.partition(ratios, middle)[middle]
    off = np.partition(np.abs(ratios - median), middle)[middle]
    robust = (np.float32(1.4826) * off) ** 2
    variance = (count * robust + counts_as * usual) / (count + counts_as)
    return median, np.float32(variance)


@numba_jit()
def _local_variance(
    ratio: Floats, weight: Floats, median: float, variance: float, block: int, prior: float
) -> Floats:
    """Mean squared distance from ``median`` around each square of ``block`` cells, with
    ``variance`` of the weight ``prior`` mixed in."""
    h, w = ratio.shape
    rows, columns = (h + block - 1) // block, (w + block - 1) // block
    # A border of one square, so that the sum over three by three needs no limits.
    sums = np.zeros((2, rows + 2, columns + 2), np.float32)
    for y in range(h):
        for x in range(w):
            if weight[y, x] > 0:
                off = ratio[y, x] - median
                sums[0, y // block + 1, x // block + 1] += weight[y, x]
                sums[1, y // block + 1, x // block + 1] += weight[y, x] * off * off
    result = np.empty((rows, columns), np.float32)
    for y in range(rows):
        for x in range(columns):
            near = sums[0, y : y + 3, x : x + 3].sum()
            squares = sums[1, y : y + 3, x : x + 3].sum()
            result[y, x] = (squares + prior * variance) / (near + prior)
    return result


@numba_jit()
def _enlarge(small: Floats, block: int, large: Floats) -> None:
    """Bilinear values of ``small``, whose cells are squares of ``block`` cells of ``large``."""
    h, w = large.shape
    rows, columns = small.shape
    left, right, shares = np.empty(w, np.uintp), np.empty(w, np.uintp), np.empty(w, np.float32)
    half, zero = np.float32(0.5), np.float32(0)
    for x in range(w):
        u = min(max((x + half) / np.float32(block) - half, zero), np.float32(columns - 1))
        left[x], right[x] = int(u), min(int(u) + 1, columns - 1)
        shares[x] = u - np.float32(int(u))
    between = np.empty(columns, np.float32)
    for y in range(h):
        v = min(max((y + half) / np.float32(block) - half, zero), np.float32(rows - 1))
        upper, lower = int(v), min(int(v) + 1, rows - 1)
        share = v - np.float32(upper)
        for x in range(columns):
            between[x] = small[upper, x] + share * (small[lower, x] - small[upper, x])
        for x in range(w):
            near = between[left[x]]
            large[y, x] = near + shares[x] * (between[right[x]] - near)


@numba_jit()
def _prepare(
    weight: Floats, edges: Floats, share: float, least: float, scaled: Floats, smooth: Floats
) -> None:
    """The weights times ``share``, and the edges but for the image's border at least ``least``."""
    h, w = weight.shape
    for y in range(h):
        for x in range(np.uintp(w)):
            scaled[y, x] = share * weight[y, x]
            right, lower = edges[0, y, x], edges[1, y, x]
            smooth[0, y, x] = max(right, least) if right > 0 else right
            smooth[1, y, x] = max(lower, least) if lower > 0 else lower


@numba_jit()
def _finish(
    network: Floats,
    spread: Floats,
    support: Floats,
    share: float,
    floor: float,
    unknown: float,
    field: Floats,
    sigma: Floats,
) -> None:
    """From the log ratio ``field`` to the inverse depth, and from the disagreement of points
    ``sigma`` to the relative deviation, both in place."""
    h, w = field.shape
    total = np.float32(0)
    for y in range(h):
        for x in range(np.uintp(w)):
            total += network[1, y, x]
    mean, exact = total / np.float32(h * w), share * share * np.float32(1e-4)
    for y in range(h):
        for x in range(np.uintp(w)):
            relative = network[1, y, x] / mean
            shape = max(relative * relative * spread[y, x], np.float32(1e-8))
            reach = exact / max(support[y, x], np.float32(1e-9))
            squared = shape * reach / (shape + reach) + floor * shape + sigma[y, x]
            sigma[y, x] = min(np.sqrt(squared), unknown)
            field[y, x] = network[0, y, x] * np.exp(field[y, x])


@numba_jit(
    "void(int64, int64, float32[:,:,::1], float32[:,:,::1], float32[:,:,:,::1],"
    " float32[:,:,:,::1], float32[::1], int64[::1], float32[:,:,:,::1])"
)
def fill_ratios(
    begin: int,
    end: int,
    value: Floats,
    weight: Floats,
    edges: Floats,
    network: Floats,
    scales: Floats,
    counts: NDArray[np.int64],
    result: Floats,
) -> None:
    """Fill maps ``begin`` to ``end`` of ``result`` (K, 2, h, w) as ``ratio_field.fill_ratios``
    does; ``scales`` and ``counts`` are its constants, in the order of ``RatioScales``."""
    smoothness, least_edge, usual, counts_as, least_share, prior, floor, unknown = scales
    sweeps, block = counts
    h, w = value.shape[1:]
    ratio, scaled = np.empty((h, w), np.float32), np.empty((h, w), np.float32)
    spread = np.empty((h, w), np.float32)
    smooth = np.empty((2, h, w), np.float32)
    for k in range(begin, end):
        known = _log_ratios(value[k], weight[k], network[k, 0], ratio)
        median, variance = _centre(known, usual, counts_as)
        share = max(least_share, min(variance / usual, np.float32(1)))
        _prepare(weight[k], edges[k], share, least_edge, scaled, smooth)
        start = push_pull(ratio, scaled)
        terms = sweep_terms(ratio, scaled, smooth, smoothness)
        field, sigma = result[k, 0], result[k, 1]
        relax(start[0], terms, sweeps, field)
        disagreement(field, ratio, weight[k], False, sigma)
        local = _local_variance(ratio, weight[k], median, variance, block, prior)
        _enlarge(local, block, spread)
        _finish(network[k], spread, start[1], share, floor, unknown, field, sigma)
