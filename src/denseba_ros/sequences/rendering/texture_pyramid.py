"""Textures of all surfaces with their mip levels, one after another in one array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from denseba_ros.sequences.rendering.shapes import Face
from denseba_ros.sequences.rendering.texture import CLUTTERED, Look, paint

LEVELS = 6
STEPS = 256
"""Texels are stored in this many steps of a grey level."""
# Texels painted beyond a face, so that the coarsest level knows what is around its edge.
MARGIN = 2 ** (LEVELS - 1)


@dataclass(frozen=True)
class Surface:
    """A face and its paint: surfaces with the same ``key`` and shape look the same."""

    face: Face
    key: tuple[int, ...]
    look: Look = CLUTTERED

    @property
    def paint_name(self) -> tuple[object, ...]:
        """What decides how it is painted, hashable."""
        edges = tuple(round(edge, 6) for edge in self.face.size)
        return self.key, edges, self.face.light, self.look


@dataclass(frozen=True)
class TexturePyramids:
    """``texels`` (N,) uint16, grey levels times STEPS, row by row; ``levels`` (F, LEVELS, 3) int64:
    first texel, width and height of each level of each of F surfaces; ``texel``: edge in metres of
    one of the finest. A surface's origin is the corner of texel (MARGIN, MARGIN) of the finest.
    """

    texels: np.ndarray
    levels: np.ndarray
    texel: float


def paint_pyramids(surfaces: Sequence[Surface], seed: int, texel: float) -> TexturePyramids:
    """Paint each surface with random numbers of its own; those that look the same once."""
    painted: dict[object, np.ndarray] = {}
    parts: list[np.ndarray] = []
    start = 0
    for surface in surfaces:
        if surface.paint_name not in painted:
            images = _levels(_painted(surface, seed, texel))
            sizes = np.array([image.shape[::-1] for image in images])
            starts = start + np.concatenate([[0], np.cumsum(sizes.prod(axis=1))])
            painted[surface.paint_name] = np.column_stack([starts[:-1], sizes])
            parts += [image.ravel() for image in images]
            start = int(starts[-1])
    levels = np.stack([painted[surface.paint_name] for surface in surfaces])
    return TexturePyramids(np.concatenate(parts), levels, texel)


def _painted(surface: Surface, seed: int, texel: float) -> np.ndarray:
    """Grey levels of the finest level."""
    rng = np.random.default_rng((seed, *surface.key))
    size = _painted_size(surface.face, texel)
    return surface.face.light * paint(*size, texel, rng, surface.look)


def _painted_size(face: Face, texel: float) -> tuple[int, int]:
    """Texels of a face with its margins, in multiples that every level can halve."""
    width, height = (
        MARGIN * math.ceil((edge / texel + 1) / MARGIN) + 2 * MARGIN for edge in face.size
    )
    return width, height


def _levels(finest: np.ndarray) -> list[np.ndarray]:
    """The image and its mip levels, uint16."""
    level: np.ndarray = finest.astype(np.float32)
    levels = []
    for _ in range(LEVELS):
        levels.append(np.rint(STEPS * level).astype(np.uint16))
        size = (level.shape[1] // 2, level.shape[0] // 2)
        level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
    return levels
