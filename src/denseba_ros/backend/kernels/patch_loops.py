"""Patches cut out of their hosts' images on the CPU, by numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

_Floats = NDArray[np.float32]
_Bools = NDArray[np.bool_]


@numba_jit()
def _cut(image: _Floats, u: float, v: float, squared: float) -> tuple[float, float]:
    """Bilinear brightness of ``image`` (3, h, w) at (u, v), with border values outside, and the
    weight by its gradient: ``squared`` / (``squared`` + |gradient|^2)."""
    right, below = image.shape[2] - 1, image.shape[1] - 1
    inside_u = min(max(np.float32(u), np.float32(0)), np.float32(right))
    inside_v = min(max(np.float32(v), np.float32(0)), np.float32(below))
    x, y = int(inside_u), int(inside_v)
    fx, fy = inside_u - np.float32(x), inside_v - np.float32(y)
    x1, y1 = min(x + 1, right), min(y + 1, below)
    w11 = fx * fy
    w01, w10 = fx - w11, fy - w11
    w00 = np.float32(1) - fx - w10
    grey = w00 * image[0, y, x] + w01 * image[0, y, x1]
    grey += w10 * image[0, y1, x] + w11 * image[0, y1, x1]
    gx = w00 * image[1, y, x] + w01 * image[1, y, x1]
    gx += w10 * image[1, y1, x] + w11 * image[1, y1, x1]
    gy = w00 * image[2, y, x] + w01 * image[2, y, x1]
    gy += w10 * image[2, y1, x] + w11 * image[2, y1, x1]
    return grey, squared / (squared + gx * gx + gy * gy)


@numba_jit(
    "void(int64, int64, float32[:,:,:,::1], int64[::1], float32[:,:,::1], b1[:,::1],"
    " float32[:,::1], float32, float32, float32[:,:,:,::1], float32[:,:,::1], float32[:,:,::1],"
    " b1[:,::1])"
)
def cut_patches(
    begin: int,
    end: int,
    images: _Floats,
    hosts: NDArray[np.int64],
    centres: _Floats,
    valid: _Bools,
    pattern: _Floats,
    squared: float,
    border: float,
    pixels: _Floats,
    brightness: _Floats,
    weight: _Floats,
    usable: _Bools,
) -> None:
    """Fill the last four, shaped as in PatchReference, for hosts ``begin`` to ``end``.

    ``images`` (K, 3, h, w) and ``centres`` (G, N, 2) are of one level, ``pattern`` (P, 2) are the
    patch's pixels, ``squared`` the square of the gradient that halves a weight; patches within
    ``border`` pixels of the border are not usable.
    """
    right = np.float32(images.shape[3] - 1) - border
    below = np.float32(images.shape[2] - 1) - border
    for g in range(begin, end):
        image = images[hosts[g]]
        for n in range(centres.shape[1]):
            ok = valid[g, n]
            for p in range(len(pattern)):
                u, v = centres[g, n, 0] + pattern[p, 0], centres[g, n, 1] + pattern[p, 1]
                pixels[g, n, p, 0], pixels[g, n, p, 1] = u, v
                brightness[g, n, p], weight[g, n, p] = _cut(image, u, v, squared)
                ok &= (u >= border) & (u <= right) & (v >= border) & (v <= below)
            usable[g, n] = ok
