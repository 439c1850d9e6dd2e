"""Textures of rendered worlds: many scales, edges, corners, and some uniform areas."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

# Cell sizes of the noise in metres; its amplitude falls with the cell size as in real surfaces.
_NOISE_CELLS = (0.9, 0.45, 0.22, 0.11, 0.055, 0.028, 0.014)
_BARE_CONTRAST = 0.05
_BARE_MIN_AREA = 1.5
_RANGE = (28.0, 228.0)
# Sub-pixel bits of OpenCV's drawing functions.
_SHIFT = 4


@dataclass(frozen=True)
class Look:
    """How a surface is painted, in grey levels and metres.

    ``base`` is its grey, ``noise`` the amplitude of the coarsest noise, ``shapes`` their number per
    square metre, ``largest`` the size of the largest, ``greys`` the range of theirs. ``tile``
    is the edge of tiles of slightly different grey, 0 for none, and ``tile_contrast`` by how much.
    """

    base: float = 128.0
    noise: float = 22.0
    shapes: float = 26.0
    largest: float = 0.6
    greys: tuple[float, float] = (30.0, 225.0)
    tile: float = 0.0
    tile_contrast: float = 12.0


CLUTTERED = Look()
"""Much texture everywhere."""


def paint(
    width: int, height: int, texel: float, rng: np.random.Generator, look: Look = CLUTTERED
) -> np.ndarray:
    """A surface of ``width`` x ``height`` texels of ``texel`` metres: (height, width) float32."""
    image: np.ndarray = look.base + _noise(width, height, texel, look.noise, rng)
    if look.tile > 0.0:
        image += _tiles(width, height, look.tile / texel, look.tile_contrast, rng)
    shapes = int(look.shapes * width * height * texel**2) + 3
    # Large shapes first, so that small ones stay visible on them.
    sizes = np.sort(np.exp(rng.uniform(math.log(0.03), math.log(look.largest), shapes)))[::-1]
    for size in sizes:
        _draw_shape(image, size / texel, look.greys, rng)
    image += 0.35 * _noise(width, height, texel, look.noise, rng)
    mean = float(image.mean())
    image = mean + _contrast(width, height, texel, rng) * (image - mean)
    # Band limit: no detail finer than about two texels.
    image = cv2.GaussianBlur(image, (0, 0), 0.8)
    painted: np.ndarray = np.clip(image, *_RANGE)
    return painted


def _noise(
    width: int, height: int, texel: float, coarsest: float, rng: np.random.Generator
) -> np.ndarray:
    """(height, width) float32 about zero; ``coarsest``: amplitude of the largest cells."""
    image = np.zeros((height, width), dtype=np.float32)
    for cell in _NOISE_CELLS:
        shape = (int(height * texel / cell) + 3, int(width * texel / cell) + 3)
        grid = rng.uniform(-1.0, 1.0, shape).astype(np.float32)
        amplitude = coarsest * (cell / _NOISE_CELLS[0]) ** 0.35
        fine = cv2.resize(grid, None, fx=cell / texel, fy=cell / texel)
        image += amplitude * fine[:height, :width]
    return image


def _tiles(
    width: int, height: int, edge: float, contrast: float, rng: np.random.Generator
) -> np.ndarray:
    """Tiles of ``edge`` texels with dark joints: (height, width) float32 about zero."""
    rows, columns = int(height / edge) + 1, int(width / edge) + 1
    shade = rng.uniform(-contrast, contrast, (rows, columns)).astype(np.float32)
    y, x = np.arange(height) / edge, np.arange(width) / edge
    tiles: np.ndarray = shade[np.ix_(y.astype(int), x.astype(int))]
    joint = max(1.5 / edge, 0.03)
    tiles[y % 1.0 < joint] -= 2.0 * contrast
    tiles[:, x % 1.0 < joint] -= 2.0 * contrast
    return tiles


def _draw_shape(
    image: np.ndarray, size: float, greys: tuple[float, float], rng: np.random.Generator
) -> None:
    """A filled polygon, a disc, a frame or a line of about ``size`` texels somewhere."""
    height, width = image.shape
    centre = rng.uniform((0.0, 0.0), (width, height))
    grey = float(rng.uniform(*greys))
    kind = rng.choice(
        ["rectangle", "polygon", "disc", "frame", "line"], p=[0.4, 0.2, 0.1, 0.15, 0.15]
    )
    if kind == "disc":
        x, y = _fixed(centre)
        cv2.circle(image, (x, y), int(0.4 * size * 2**_SHIFT), grey, -1, cv2.LINE_AA, _SHIFT)
        return
    corners = 4 if kind in ("rectangle", "frame") else int(rng.integers(3, 7))
    outline = _fixed(centre + _outline(size, corners, rng))
    thickness = max(1, int(0.06 * size))
    if kind == "line":
        cv2.line(image, outline[0], outline[1], grey, thickness, cv2.LINE_AA, _SHIFT)
    elif kind == "frame":
        cv2.polylines(image, [outline], True, grey, thickness, cv2.LINE_AA, _SHIFT)
    else:
        cv2.fillPoly(image, [outline], grey, cv2.LINE_AA, _SHIFT)


def _outline(size: float, corners: int, rng: np.random.Generator) -> np.ndarray:
    """(corners, 2) around zero; a rectangle when four, mostly upright as things are."""
    turn = rng.normal(0.0, 0.08) if rng.random() < 0.7 else rng.uniform(0.0, math.pi)
    if corners == 4:
        half = 0.5 * size * np.array([1.0, rng.uniform(0.3, 1.2)])
        points = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    else:
        angles = np.sort(rng.uniform(0.0, 2.0 * math.pi, corners))
        points = 0.6 * size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    c, s = math.cos(turn), math.sin(turn)
    rotated: np.ndarray = points @ np.array([[c, s], [-s, c]])
    return rotated


def _fixed(points: np.ndarray) -> np.ndarray:
    fixed: np.ndarray = np.round(points * 2**_SHIFT).astype(np.int32)
    return fixed


def _contrast(width: int, height: int, texel: float, rng: np.random.Generator) -> np.ndarray:
    """Contrast (height, width): 1 on most of the surface, nearly 0 in uniform areas."""
    contrast = np.ones((height, width), dtype=np.float32)
    area = width * height * texel**2
    for _ in range(int(area / 7.0) + 1 if area > _BARE_MIN_AREA else 0):
        centre = _fixed(rng.uniform((0.0, 0.0), (width, height))).tolist()
        half = _fixed(rng.uniform(0.25, 0.55, 2) / texel).tolist()
        turn = float(rng.uniform(0.0, 180.0))
        cv2.ellipse(contrast, centre, half, turn, 0, 360, _BARE_CONTRAST, -1, cv2.LINE_AA, _SHIFT)
    return cv2.GaussianBlur(contrast, (0, 0), 0.03 / texel)
