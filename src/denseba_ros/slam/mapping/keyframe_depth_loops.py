"""Points and the grid of their keyframe's inverse depth map on the CPU, as compiled loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_ONE, _EXACT = np.float32(1), np.float32(1e-4)


@numba_jit()
def _cell(pixel: Floats, size: int, h: int, w: int) -> tuple[int, int]:
    """Row and column of a pixel (2,) on a grid (h, w) of cells of ``size`` pixels."""
    x = int(np.floor((pixel[0] + np.float32(0.5)) / np.float32(size)))
    y = int(np.floor((pixel[1] + np.float32(0.5)) / np.float32(size)))
    return min(max(y, 0), h - 1), min(max(x, 0), w - 1)


@numba_jit()
def _weight(relative_sigma: np.float32) -> np.float32:
    """As ``depth_map.point_weight``."""
    return _EXACT / (relative_sigma * relative_sigma + _EXACT)


@numba_jit(
    "int64(float32[:,::1], float32[::1], float32[::1], b1[::1], float32[:,:,::1], int64, float32,"
    " float32, float32, float32[:,::1], float32[:,::1])",
    keeps_lock=True,
)
def evidence(
    pixels: Floats,
    inverse_depth: Floats,
    relative_sigma: Floats,
    valid: Bools,
    network: Floats,
    size: int,
    vague: float,
    unknown: float,
    near: float,
    value: Floats,
    weight: Floats,
) -> int:
    """Inverse depth ``value`` and its ``weight`` (h, w) by the points (N,) in each cell and the
    ``network`` (2, h, w), as ``keyframe_depth.evidence_torch``; returns how many points count.

    ``size``: pixels of a cell; points above ``vague`` and a network from ``unknown`` on have no
    weight; ``near`` as in ``depth_map_loops.scatter``.
    """
    h, w = value.shape
    largest = np.zeros((h, w), np.float32)
    counted = 0
    for n in range(len(pixels)):
        if valid[n] and relative_sigma[n] <= vague:
            y, x = _cell(pixels[n], size, h, w)
            largest[y, x] = max(largest[y, x], inverse_depth[n])
            counted += 1
    value[:], weight[:] = np.float32(0), np.float32(0)
    for n in range(len(pixels)):
        if valid[n] and relative_sigma[n] <= vague:
            y, x = _cell(pixels[n], size, h, w)
            if inverse_depth[n] >= near * largest[y, x]:
                share = _weight(relative_sigma[n])
                weight[y, x] += share
                value[y, x] += share * inverse_depth[n]
    least = np.float32(1e-12)
    for y in range(h):
        for x in range(w):
            mean = value[y, x] / max(weight[y, x], least)
            sigma = network[1, y, x]
            share = _weight(sigma) if sigma < unknown else np.float32(0)
            total = weight[y, x] + share
            value[y, x] = (weight[y, x] * mean + share * network[0, y, x]) / max(total, least)
            weight[y, x] = total
    return counted


@numba_jit(
    "void(float32[:,::1], float32[::1], float32[:,:,::1], int64, float32, float32[::1])",
    keeps_lock=True,
)
def take_from_map(
    pixels: Floats,
    relative_sigma: Floats,
    inverse_depth_map: Floats,
    size: int,
    vague: float,
    inverse_depth: Floats,
) -> None:
    """Give the points (N,) above ``vague`` the inverse depth of their cell of the map (2, h, w)."""
    h, w = inverse_depth_map.shape[1:]
    for n in range(len(pixels)):
        if relative_sigma[n] > vague:
            y, x = _cell(pixels[n], size, h, w)
            inverse_depth[n] = inverse_depth_map[0, y, x]


@numba_jit(
    "void(float32[:,::1], float32[::1], float32[:,:,::1], int64, float32, float32, float32[::1],"
    " float32[::1])",
    keeps_lock=True,
)
def depth_prior(
    pixels: Floats,
    inverse_depth: Floats,
    network: Floats,
    size: int,
    metric: float,
    widest: float,
    mean: Floats,
    information: Floats,
) -> None:
    """Fill ``mean`` and ``information`` (N,) as ``keyframe_depth.depth_prior_torch``: the
    ``network``'s (2, h, w) below the deviation ``metric``, else one of at most ``widest`` around
    the present inverse depth."""
    h, w = network.shape[1:]
    for n in range(len(pixels)):
        y, x = _cell(pixels[n], size, h, w)
        sigma = network[1, y, x]
        mean[n] = network[0, y, x] if sigma < metric else inverse_depth[n]
        deviation = min(sigma, widest) * mean[n]
        information[n] = _ONE / (deviation * deviation)
