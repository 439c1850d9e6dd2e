"""What there is to see in the building, and its renderer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from denseba_ros.sequences.building.floor_plan import (
    HEIGHT,
    ROOMS,
    WALL,
    T_building_corridor,
    T_building_room,
    corridor_length,
    corridor_shell,
    door_frame,
    place,
    room_shell,
)
from denseba_ros.sequences.building.furniture import furnish_corridor, furnish_room
from denseba_ros.sequences.rendering.renderer import Renderer
from denseba_ros.sequences.rendering.shapes import Face
from denseba_ros.sequences.rendering.texture import CLUTTERED, Look
from denseba_ros.sequences.rendering.texture_pyramid import Surface

TWINS = (1, 3)
"""The two rooms that look the same in a building with twins; they face each other."""
_TEXEL = 0.006
_SAMPLES = 6
_ROOM_LOOKS = (
    Look(base=150.0, noise=18.0, shapes=14.0, largest=0.8),
    Look(base=105.0, noise=14.0, shapes=16.0, largest=0.5, greys=(40.0, 200.0), tile=0.6),
    Look(base=185.0, noise=12.0, shapes=8.0, largest=1.2, greys=(20.0, 170.0)),
    Look(base=75.0, noise=16.0, shapes=24.0, largest=0.35, greys=(60.0, 230.0)),
)
_CORRIDOR_LOOK = Look(base=160.0, noise=8.0, shapes=1.5, largest=0.4, greys=(90.0, 215.0), tile=1.2)
_FRAME_LOOK = Look(base=90.0, noise=8.0, shapes=4.0, largest=0.1)


@lru_cache(maxsize=2)
def building_renderer(seed: int, twins: bool) -> Renderer:
    """The renderer of the building with this ``seed`` of furniture and surfaces, built once."""
    return Renderer(building_surfaces(seed, twins), seed, _TEXEL, _SAMPLES)


def building_surfaces(seed: int, twins: bool) -> list[Surface]:
    """All surfaces in building coordinates; with ``twins`` the rooms TWINS look the same."""
    surfaces: list[Surface] = []
    for number in range(ROOMS):
        looks_like = TWINS[0] if twins and number == TWINS[1] else number
        surfaces += _room(seed, looks_like, T_building_room(number))
        surfaces += _corridor(seed, number)
    return surfaces


def _room(seed: int, number: int, T_building_part: np.ndarray) -> list[Surface]:
    boxes = furnish_room(np.random.default_rng((seed, 3, number)))
    furniture = [face for box in boxes for face in box.faces(HEIGHT)]
    shell = room_shell()
    looks = [_ROOM_LOOKS[number]] * len(shell) + [CLUTTERED] * len(furniture)
    return _surfaces(shell + furniture, looks, (4, number), T_building_part)


def _corridor(seed: int, number: int) -> list[Surface]:
    """A corridor with the door frames at its ends."""
    length = corridor_length(number)
    boxes = furnish_corridor(length, np.random.default_rng((seed, 5, number)))
    furniture = [face for box in boxes for face in box.faces(HEIGHT)]
    shell = corridor_shell(length)
    looks = [_CORRIDOR_LOOK] * len(shell) + [CLUTTERED] * len(furniture)
    T = T_building_corridor(number)
    surfaces = _surfaces(shell + furniture, looks, (6, number), T)
    for end, x in enumerate((-WALL, length)):
        frame = door_frame()
        looks = [_FRAME_LOOK] * len(frame)
        surfaces += _surfaces(frame, looks, (7, number, end), T @ place(x, 0.0))
    return surfaces


def _surfaces(
    faces: list[Face], looks: list[Look], key: tuple[int, ...], T_building_part: np.ndarray
) -> list[Surface]:
    return [
        Surface(face.moved(T_building_part), (*key, i), look)
        for i, (face, look) in enumerate(zip(faces, looks, strict=True))
    ]
