"""Furniture of a room or a corridor, drawn by random numbers: boxes that leave the way free."""

from __future__ import annotations

import numpy as np

from denseba_ros.sequences.building.floor_plan import CORRIDOR_WIDTH, HEIGHT, ROOM_EDGE
from denseba_ros.sequences.rendering.shapes import Box

_HALF = 0.5 * ROOM_EDGE
# Walls of a room by the quarter turns that bring the south wall there; doors are in the last two.
_SOUTH, _EAST, _NORTH, _WEST = range(4)
_DOOR_CLEARANCE = 0.9
_BOARD_DEPTH = 0.04


def furnish_room(rng: np.random.Generator) -> list[Box]:
    """A table with a crate, cupboards and boards along the walls, pillars, a lamp."""
    width, depth = rng.uniform((0.8, 0.5), (1.1, 0.8))
    yaw = float(rng.uniform(-25.0, 25.0))
    table = Box(0.0, 0.0, yaw, width, depth, 0.0, 0.75)
    crate = Box(
        0.1, 0.05, float(rng.uniform(0.0, 90.0)), 0.35, 0.3, 0.75, float(rng.uniform(1.0, 1.3))
    )
    lamp = Box(0.3, -0.2, float(rng.uniform(0.0, 90.0)), 0.5, 0.35, 2.2, 2.4)
    boxes = [table, crate, lamp]
    for wall in (_SOUTH, _SOUTH, _EAST, _EAST, _NORTH, _WEST):
        boxes.append(_at_wall(wall, rng, rng.uniform(0.25, 0.5), 0.0, rng.uniform(0.6, 2.1)))
    for wall in (_SOUTH, _EAST, _NORTH, _WEST, _EAST):
        bottom = rng.uniform(1.0, 1.5)
        boxes.append(_at_wall(wall, rng, _BOARD_DEPTH, bottom, bottom + rng.uniform(0.4, 0.9)))
    for x, y in rng.permutation([(-2.4, -2.4), (2.4, -2.4), (2.4, 2.4), (-2.4, 2.4)])[:2]:
        edge = float(rng.uniform(0.2, 0.35))
        boxes.append(Box(float(x), float(y), float(rng.uniform(0, 90)), edge, edge, 0.0, HEIGHT))
    return boxes


def furnish_corridor(length: float, rng: np.random.Generator) -> list[Box]:
    """A few low cupboards and boards along the two walls, and lamps."""
    boxes = []
    for bottom, depth in ((0.0, 0.3), (1.3, _BOARD_DEPTH), (1.3, _BOARD_DEPTH), (0.0, 0.3)):
        side = float(rng.choice([-1.0, 1.0]))
        width, height = rng.uniform((0.5, 0.5), (1.1, 0.9))
        x = float(rng.uniform(1.0, length - 1.0))
        y = side * (0.5 * CORRIDOR_WIDTH - 0.5 * depth)
        boxes.append(Box(x, y, 0.0, float(width), depth, bottom, bottom + float(height)))
    for x in np.arange(1.5, length - 1.0, 2.5):
        boxes.append(Box(float(x), 0.0, 0.0, 0.9, 0.2, HEIGHT - 0.12, HEIGHT - 0.04))
    return boxes


def _at_wall(wall: int, rng: np.random.Generator, depth: float, bottom: float, top: float) -> Box:
    """A box that touches a wall, beside the door if there is one."""
    width = float(rng.uniform(0.5, 1.3))
    low = _DOOR_CLEARANCE if wall in (_NORTH, _WEST) else 0.0
    along = float(rng.uniform(low, _HALF - 0.7 * width) * rng.choice([-1.0, 1.0]))
    if low > 0.0:
        along = float(np.sign(along)) * max(abs(along), low + 0.5 * width)
    across = _HALF - 0.5 * depth
    x, y = {
        _SOUTH: (along, -across),
        _EAST: (across, along),
        _NORTH: (along, across),
        _WEST: (-across, along),
    }[wall]
    yaw = 0.0 if wall in (_SOUTH, _NORTH) else 90.0
    return Box(x, y, yaw, width, float(depth), float(bottom), min(float(top), HEIGHT - 0.05))
