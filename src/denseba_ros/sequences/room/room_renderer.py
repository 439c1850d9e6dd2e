"""The renderer of the synthetic room."""

from __future__ import annotations

from functools import lru_cache

from denseba_ros.sequences.rendering.renderer import Renderer
from denseba_ros.sequences.rendering.texture_pyramid import Surface
from denseba_ros.sequences.room.room_geometry import room_faces

_TEXEL = 0.004


@lru_cache(maxsize=3)
def room_renderer(seed: int) -> Renderer:
    """The renderer of the room with this ``seed`` of its surfaces, built once."""
    surfaces = [Surface(face, (i,)) for i, face in enumerate(room_faces())]
    return Renderer(surfaces, seed, _TEXEL, samples=1)
