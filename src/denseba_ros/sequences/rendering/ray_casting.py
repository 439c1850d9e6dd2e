"""The first surface that each pixel's ray meets: loops over faces and pixels, compiled by numba.

On a plane the inverse depth w is affine in the pixel (column, row), and so are u w and v w, where
u and v are metres along the edges of the face: a (3, 3) matrix H maps (column, row, 1) to
(u w, v w, w).
"""

from __future__ import annotations

import numpy as np

from denseba_ros.numba_jit import numba_jit

NOTHING = -1
"""Face number of a ray that meets none."""
_NEAR = 0.05
# Neighbouring faces overlap by this much (metres), so that no ray passes between them.
_SEAM = np.float32(1e-4)
_FARTHEST = np.float32(1e-6)


def planes_of(frames: np.ndarray, rays: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """H of each face, (F, 3, 3) float64; all zero where it is seen from behind.

    ``frames`` (F, 4, 3): origin, u, v and normal of each; ``rays`` (3, 3): direction of unit depth
    of the pixel (column, row, 1); ``centre`` (3,) of the camera; all in world coordinates.
    """
    offset = centre - frames[:, 0]
    along = np.einsum("fkc,fc->fk", frames[:, 1:], offset)
    H: np.ndarray = frames[:, 1:] @ rays
    in_front = along[:, 2] > 0.0
    H[:, 2] /= -np.where(in_front, along[:, 2], 1.0)[:, None]
    H[:, :2] += along[:, :2, None] * H[:, 2:]
    H[~in_front] = 0.0
    return H


@numba_jit()
def cast(
    planes: np.ndarray,
    sizes: np.ndarray,
    corners: np.ndarray,
    K: np.ndarray,
    height: int,
    width: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Inverse depth (height, width) float32 and face number (height, width) int16.

    ``planes`` (F, 3, 3): H of each face, ``sizes`` (F, 2) metres, ``corners`` (F, 4, 3) in camera
    coordinates, ``K`` (3, 3).
    """
    inverse_depth = np.full((height, width), _FARTHEST, dtype=np.float32)
    nearest = np.full((height, width), NOTHING, dtype=np.int16)
    for i in range(len(planes)):
        if planes[i, 2, 0] == 0.0 and planes[i, 2, 1] == 0.0 and planes[i, 2, 2] == 0.0:
            continue
        left, right, top, bottom = _bounds(corners[i], K)
        x0, x1 = _clipped(left, right, width)
        y0, y1 = _clipped(top, bottom, height)
        _draw(inverse_depth, nearest, i, planes[i], sizes[i], y0, y1, x0, x1)
    return inverse_depth, nearest


@numba_jit()
def _draw(
    inverse_depth: np.ndarray,
    nearest: np.ndarray,
    number: int,
    H: np.ndarray,
    size: np.ndarray,
    y0: int,
    y1: int,
    x0: int,
    x1: int,
) -> None:
    """Note a face where it is nearer than what was met before."""
    h = H.astype(np.float32)
    across, up = np.float32(size[0]) + _SEAM, np.float32(size[1]) + _SEAM
    for y in range(y0, y1):
        row = np.float32(y)
        u0, v0, w0 = h[0, 1] * row + h[0, 2], h[1, 1] * row + h[1, 2], h[2, 1] * row + h[2, 2]
        depths, numbers = inverse_depth[y], nearest[y]
        for x in range(x0, x1):
            column = np.float32(x)
            w = h[2, 0] * column + w0
            u = h[0, 0] * column + u0
            v = h[1, 0] * column + v0
            # 0 <= u / w <= size and the same for v, up to the seam, without a division.
            inside = (u >= -_SEAM * w) & (u <= across * w) & (v >= -_SEAM * w) & (v <= up * w)
            if inside & (w > depths[x]):
                depths[x] = w
                numbers[x] = number


@numba_jit()
def _bounds(corners: np.ndarray, K: np.ndarray) -> tuple[float, float, float, float]:
    """Columns and rows (left, right, top, bottom) between which the part of a rectangle lies that
    is in front of the near plane; left is beyond right when none is.
    """
    left = top = np.inf
    right = bottom = -np.inf
    for i in range(4):
        a, b = corners[i], corners[(i + 1) % 4]
        for end in range(2):
            # The corner itself if it is in front, then where the edge passes the near plane.
            if end == 0 and a[2] >= _NEAR:
                x, y, z = a[0], a[1], a[2]
            elif end == 1 and (a[2] >= _NEAR) != (b[2] >= _NEAR):
                share = (_NEAR - a[2]) / (b[2] - a[2])
                x, y, z = a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), _NEAR
            else:
                continue
            column, row = K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]
            left, right = min(left, column), max(right, column)
            top, bottom = min(top, row), max(bottom, row)
    return left, right, top, bottom


@numba_jit()
def _clipped(low: float, high: float, size: int) -> tuple[int, int]:
    """First pixel and the one after the last, one more on each side, inside the image."""
    if low > high:
        return 0, 0
    first = min(max(np.floor(low) - 1.0, 0.0), float(size))
    after = min(max(np.ceil(high) + 2.0, 0.0), float(size))
    return int(first), int(after)
