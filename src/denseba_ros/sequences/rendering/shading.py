"""Brightness of the surfaces that rays meet, filtered over each ray's footprint.

Several trilinear samples along the longer axis of the footprint, as hardware does for surfaces that
are seen at a flat angle; the level fits what remains of it.
"""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.numba_jit import numba_jit
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
    image = np.zeros((height, width), dtype=np.float32)
    share = np.float32(1.0 / (STEPS * fine * fine))
    for row in range(height * fine):
        for column in range(width * fine):
            face = nearest[row, column]
            if face >= 0:
                depth = 1.0 / inverse_depth[row, column]
                value = _ray(planes, face, column, row, depth, texels, levels, texel, samples)
                image[row // fine, column // fine] += share * np.float32(value)
    return image


@numba_jit()
def _ray(
    planes: np.ndarray,
    face: int,
    column: int,
    row: int,
    depth: float,
    texels: np.ndarray,
    levels: np.ndarray,
    texel: float,
    samples: int,
) -> float:
    """Brightness of one ray, in steps of a grey level."""
    # Arrays are indexed in full here and below: a view of a row costs more than the row itself.
    u0, u1 = planes[face, 0, 0], planes[face, 0, 1]
    v0, v1 = planes[face, 1, 0], planes[face, 1, 1]
    w0, w1 = planes[face, 2, 0], planes[face, 2, 1]
    scale = depth / texel
    u = (u0 * column + u1 * row + planes[face, 0, 2]) * depth
    v = (v0 * column + v1 * row + planes[face, 1, 2]) * depth
    # Jacobian of (u, v) by (column, row), in texels.
    ux, uy = (u0 - u * w0) * scale, (u1 - u * w1) * scale
    vx, vy = (v0 - v * w0) * scale, (v1 - v * w1) * scale
    area = abs(ux * vy - uy * vx)
    x, y = u / texel + (MARGIN - 0.5), v / texel + (MARGIN - 0.5)
    # Semi-major axis of the ellipse that the Jacobian makes of a circle.
    uu, vv, uv = ux * ux + uy * uy, vx * vx + vy * vy, ux * vx + uy * vy
    half_difference = 0.5 * (uu - vv)
    major2 = 0.5 * (uu + vv) + math.sqrt(half_difference * half_difference + uv * uv)
    count = 1
    if samples > 1 and major2 > 1.0:
        ratio = major2 / max(area, math.sqrt(major2))
        count = int(min(float(samples), math.ceil(ratio - 0.25)))
    if count <= 1:
        return _trilinear(x, y, _level(area), texels, levels, face)
    angle = 0.5 * math.atan2(uv, half_difference)
    step = math.sqrt(major2) / count
    dx, dy = step * math.cos(angle), step * math.sin(angle)
    level, total = _level(area / count), 0.0
    for k in range(count):
        along = k - 0.5 * (count - 1)
        total += _trilinear(x + along * dx, y + along * dy, level, texels, levels, face)
    return total / count


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
