"""Scattered points and the Jacobi sweeps of the depth map on the CPU, by numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]


@numba_jit()
def _relax_one(start: Floats, terms: Floats, sweeps: int, result: Floats) -> None:
    h, w = start.shape
    wide = w + 2
    # One cell of border, in which d stays zero.
    d, new = np.zeros((h + 2) * wide, np.float32), np.zeros((h + 2) * wide, np.float32)
    for y in range(h):
        for x in range(w):
            d[(y + 1) * wide + x + 1] = start[y, x]
    for _ in range(sweeps):
        for y in range(h):
            row = (y + 1) * wide + 1
            own, right, left = terms[0, y], terms[1, y], terms[2, y]
            lower, upper = terms[3, y], terms[4, y]
            out = new[row : row + w]
            after, before = d[row + 1 : row + w + 1], d[row - 1 : row + w - 1]
            below, above = d[row + wide : row + wide + w], d[row - wide : row - wide + w]
            # Two loops, because with more arrays the compiler does not see that none overlaps.
            for x in range(np.uintp(w)):
                out[x] = own[x] + (right[x] * after[x] + left[x] * before[x])
            for x in range(np.uintp(w)):
                out[x] += lower[x] * below[x] + upper[x] * above[x]
        d, new = new, d
    for y in range(h):
        for x in range(w):
            result[y, x] = d[(y + 1) * wide + x + 1]


@numba_jit("void(int64, int64, float32[:,:,::1], float32[:,:,:,::1], int64, float32[:,:,::1])")
def relax(begin: int, end: int, start: Floats, terms: Floats, sweeps: int, result: Floats) -> None:
    """Fill ``result`` (K, h, w) from ``begin`` to ``end`` with ``sweeps`` times d = sum of
    ``terms`` (K, 5, h, w) times (1, right, left, lower, upper neighbour), from ``start``
    (K, h, w); what lies beyond the border counts as zero."""
    for k in range(begin, end):
        _relax_one(start[k], terms[k], sweeps, result[k])


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
