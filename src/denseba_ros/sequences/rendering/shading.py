"""Brightness of the surfaces that rays meet, filtered over each ray's footprint.

Several trilinear samples along the longer axis of the footprint, as hardware does for surfaces that
are seen at a flat angle; the level fits what remains of it.
"""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.numba_jit import numba_jit
from denseba_ros.sequences.rendering.ray_casting import NOTHING
from denseba_ros.sequences.rendering.texture_pyramid import LEVELS, MARGIN, STEPS


@numba_jit()
def shade(
    inverse_depth: np.ndarray,
    nearest: np.ndarray,
    planes: np.ndarray,
    texels: np.ndarray,
    levels: np.ndarray,
    texel: float,
    fine: int,
    samples: int,
) -> np.ndarray:
    """(h, w) float32 grey levels: the mean of ``fine`` x ``fine`` rays each.

    ``inverse_depth`` and ``nearest`` (fine h, fine w) as ``cast`` gives them, ``planes``
    (F, 3, 3), ``texels``, ``levels`` and ``texel`` as in TexturePyramids; at most ``samples`` along
    an axis. 0 where a ray meets nothing.
    """
    height, width = inverse_depth.shape[0] // fine, inverse_depth.shape[1] // fine
    image = np.empty((height, width), dtype=np.float32)
    for y in range(height):
        for x in range(width):
            total, before = 0.0, NOTHING
            level, dx, dy, count = 0.0, 0.0, 0.0, 1
            for row in range(fine * y, fine * y + fine):
                for column in range(fine * x, fine * x + fine):
                    face = nearest[row, column]
                    if face == NOTHING:
                        continue
                    # Arrays are indexed in full: a view of a row costs more than the row itself.
                    depth = 1.0 / inverse_depth[row, column]
                    u = planes[face, 0, 0] * column + planes[face, 0, 1] * row + planes[face, 0, 2]
                    v = planes[face, 1, 0] * column + planes[face, 1, 1] * row + planes[face, 1, 2]
                    u, v, scale = u * depth, v * depth, depth / texel
                    if face != before:  # the rays of a pixel on a face share their footprint
                        level, dx, dy, count = _footprint(planes, face, u, v, scale, samples)
                        before = face
                    across, up = u / texel + (MARGIN - 0.5), v / texel + (MARGIN - 0.5)
                    for k in range(count):
                        along = k - 0.5 * (count - 1)
                        px, py = across + along * dx, up + along * dy
                        total += _trilinear(px, py, level, texels, levels, face) / count
            image[y, x] = total / (STEPS * fine * fine)
    return image


@numba_jit()
def _footprint(
    planes: np.ndarray, face: int, u: float, v: float, scale: float, samples: int
) -> tuple[float, float, float, int]:
    """Level, step (x, y) in texels between samples, and their number.

    ``scale`` is the depth in texels.
    """
    w0, w1 = planes[face, 2, 0], planes[face, 2, 1]
    # Jacobian of (u, v) by (column, row), in texels.
    ux, uy = (planes[face, 0, 0] - u * w0) * scale, (planes[face, 0, 1] - u * w1) * scale
    vx, vy = (planes[face, 1, 0] - v * w0) * scale, (planes[face, 1, 1] - v * w1) * scale
    area = abs(ux * vy - uy * vx)
    # Semi-major axis of the ellipse that the Jacobian makes of a circle.
    uu, vv, uv = ux * ux + uy * uy, vx * vx + vy * vy, ux * vx + uy * vy
    half_difference = 0.5 * (uu - vv)
    major2 = 0.5 * (uu + vv) + math.sqrt(half_difference * half_difference + uv * uv)
    count = 1
    if samples > 1 and major2 > 1.0:
        ratio = major2 / max(area, math.sqrt(major2))
        count = int(min(float(samples), math.ceil(ratio - 0.25)))
    if count <= 1:
        return _level(area), 0.0, 0.0, 1
    angle = 0.5 * math.atan2(uv, half_difference)
    step = math.sqrt(major2) / count
    return _level(area / count), step * math.cos(angle), step * math.sin(angle), count


@numba_jit()
def _level(area: float) -> float:
    """The mip level whose texels have this area, in texels of the finest."""
    if area <= 1.0:
        return 0.0
    return min(0.5 * math.log2(area), LEVELS - 1.001)


@numba_jit()
def _trilinear(
    x: float, y: float, level: float, texels: np.ndarray, levels: np.ndarray, face: int
) -> float:
    low = int(level)
    near = _bilinear(x, y, low, texels, levels, face)
    if level == low:
        return near
    return near + (level - low) * (_bilinear(x, y, low + 1, texels, levels, face) - near)


@numba_jit()
def _bilinear(
    x: float, y: float, level: int, texels: np.ndarray, levels: np.ndarray, face: int
) -> float:
    """At texel (x, y) of the finest level, whose centres are integers; held beyond the edge."""
    width = levels[face, level, 1]
    scale = 1.0 / (1 << level)
    px = min(max((x + 0.5) * scale - 0.5, 0.0), width - 1.001)
    py = min(max((y + 0.5) * scale - 0.5, 0.0), levels[face, level, 2] - 1.001)
    column, row = int(px), int(py)
    fx, fy = px - column, py - row
    at = levels[face, level, 0] + row * width + column
    top, top_right = float(texels[at]), float(texels[at + 1])
    bottom, bottom_right = float(texels[at + width]), float(texels[at + width + 1])
    top += fx * (top_right - top)
    bottom += fx * (bottom_right - bottom)
    value: float = top + fy * (bottom - top)
    return value
