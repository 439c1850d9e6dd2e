"""Shells and places of the building's parts: four rooms at the corners of a loop of corridors.

Rooms and passages have coordinates of their own, and a pose T_building_part. A room is centred on
its origin; one enters by the middle of its west wall (-x) and leaves by the middle of its north
wall (+y), so that each room is the one before turned by 90 degrees. A passage runs along +x from
its origin. World axes of the building: z up, the floor is z = 0.
"""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.sequences.rendering.shapes import LIGHT, Face

ROOM_EDGE = 6.0
"""Metres along x and y."""
HEIGHT = 2.7
"""Metres from floor to ceiling, in rooms and corridors."""
WALL = 0.2
"""Thickness of the walls between a room and a corridor, metres."""
CORRIDOR_WIDTH = 2.0
DOOR_WIDTH, DOOR_HEIGHT = 1.1, 2.1
# Centres of the rooms in the order of the loop, and the turn of each; metres and quarter turns.
_ROOMS = (((3.0, 3.0), 3), ((18.0, 3.0), 0), ((18.0, 16.0), 1), ((3.0, 16.0), 2))
ROOMS = len(_ROOMS)
"""Corridor i leads from room i to room i + 1, the last one back to room 0."""


def place(x: float, y: float, quarter_turns: int = 0) -> np.ndarray:
    """Pose (4, 4) of a part at (x, y), turned about z."""
    angle = 0.5 * math.pi * quarter_turns
    c, s = round(math.cos(angle)), round(math.sin(angle))
    T = np.eye(4)
    T[:2, :2] = [[c, -s], [s, c]]
    T[:2, 3] = x, y
    return T


def T_building_room(number: int) -> np.ndarray:
    """Pose (4, 4) of a room."""
    (x, y), turns = _ROOMS[number]
    return place(x, y, turns)


def T_building_corridor(number: int) -> np.ndarray:
    """Pose (4, 4) of a corridor, which begins where the wall of room ``number`` ends."""
    T: np.ndarray = T_building_room(number) @ place(0.0, 0.5 * ROOM_EDGE + WALL, 1)
    return T


def corridor_length(number: int) -> float:
    """Metres between the walls of the rooms at its ends."""
    a, b = (_ROOMS[i % ROOMS][0] for i in (number, number + 1))
    return math.dist(a, b) - ROOM_EDGE - 2.0 * WALL


def room_shell() -> list[Face]:
    """Floor, ceiling and walls with two doors, seen from inside."""
    x, y, z = np.eye(3)
    h = 0.5 * ROOM_EDGE
    low = np.array([-h, -h, 0.0])
    return [
        Face(low, x, y, (ROOM_EDGE, ROOM_EDGE), LIGHT["floor"]),
        Face(low + HEIGHT * z, y, x, (ROOM_EDGE, ROOM_EDGE), LIGHT["ceiling"]),
        Face(low + ROOM_EDGE * x, -x, z, (ROOM_EDGE, HEIGHT), LIGHT["wall"]),
        Face(low + ROOM_EDGE * (x + y), -y, z, (ROOM_EDGE, HEIGHT), LIGHT["wall"]),
        *_wall_with_door(low + ROOM_EDGE * y, x, ROOM_EDGE),
        *_wall_with_door(low, y, ROOM_EDGE),
    ]


def corridor_shell(length: float) -> list[Face]:
    """Floor, ceiling, two walls and a wall with a door at each end, seen from inside."""
    y = np.array([0.0, 1.0, 0.0])
    right = np.array([0.0, -0.5 * CORRIDOR_WIDTH, 0.0])
    left = np.array([length, 0.5 * CORRIDOR_WIDTH, 0.0])
    ends = _wall_with_door(right, y, CORRIDOR_WIDTH) + _wall_with_door(left, -y, CORRIDOR_WIDTH)
    return _tube(length, CORRIDOR_WIDTH, HEIGHT) + ends


def door_frame() -> list[Face]:
    """Threshold, lintel and jambs, as deep as the wall."""
    return _tube(WALL, DOOR_WIDTH, DOOR_HEIGHT)


def _tube(length: float, width: float, height: float) -> list[Face]:
    x, y, z = np.eye(3)
    low = -0.5 * width * y
    return [
        Face(low, x, y, (length, width), LIGHT["floor"]),
        Face(low + height * z, y, x, (width, length), LIGHT["ceiling"]),
        Face(low + length * x, -x, z, (length, height), LIGHT["wall"]),
        Face(low + width * y, x, z, (length, height), LIGHT["wall"]),
    ]


def _wall_with_door(corner: np.ndarray, u: np.ndarray, length: float) -> list[Face]:
    """A wall along ``u`` with a door in its middle: what is beside the door, and above it."""
    z = np.array([0.0, 0.0, 1.0])
    beside = 0.5 * (length - DOOR_WIDTH)
    above = corner + beside * u + DOOR_HEIGHT * z
    light = LIGHT["wall"]
    return [
        Face(corner, u, z, (beside, HEIGHT), light),
        Face(corner + (beside + DOOR_WIDTH) * u, u, z, (beside, HEIGHT), light),
        Face(above, u, z, (DOOR_WIDTH, HEIGHT - DOOR_HEIGHT), light),
    ]
