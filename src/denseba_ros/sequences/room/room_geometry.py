"""The shapes of the synthetic room: rectangles in space. World axes: x right, y ahead, z up."""

from __future__ import annotations

import numpy as np

from denseba_ros.sequences.rendering.shapes import LIGHT, Box, Face

ROOM_SIZE = (6.0, 5.0, 2.7)
"""Metres along x, y, z; x and y are centred on the origin, the floor is z = 0."""

BOXES = (
    Box(0.9, 0.8, 20, 0.25, 0.25, 0.0, ROOM_SIZE[2]),  # pillars
    Box(-1.1, 1.1, 50, 0.2, 0.2, 0.0, ROOM_SIZE[2]),
    Box(0.0, 1.9, 8, 1.3, 0.7, 0.0, 0.75),  # a table-high block with a crate on it
    Box(0.15, 1.85, 30, 0.35, 0.3, 0.75, 1.15),
    Box(2.7, 0.3, 0, 0.45, 1.5, 0.0, 1.9),  # a shelf by the wall
    Box(-2.0, 1.6, 35, 0.7, 0.6, 0.0, 0.8),  # two stacked crates
    Box(-2.0, 1.6, 10, 0.4, 0.4, 0.8, 1.25),
    Box(-0.4, 0.7, 60, 0.3, 0.3, 0.0, 0.5),
    Box(-0.2, 1.4, 25, 0.4, 0.3, 1.9, 2.2),  # hangs in the air
    Box(-2.65, -0.6, 0, 0.6, 1.0, 0.0, 1.1),
    Box(0.8, -2.2, 0, 1.2, 0.4, 0.0, 0.9),
    Box(-1.4, -2.1, 15, 0.5, 0.5, 0.0, 1.6),
)


def room_faces() -> list[Face]:
    """All faces: the six of the room, seen from inside, then those of the boxes."""
    sx, sy, sz = ROOM_SIZE
    x, y, z = np.eye(3)
    low = np.array([-0.5 * sx, -0.5 * sy, 0.0])
    wall = LIGHT["wall"]
    shell = [
        Face(low, x, y, (sx, sy), LIGHT["floor"]),
        Face(low + sz * z, y, x, (sy, sx), LIGHT["ceiling"]),
        Face(low + sx * x, -x, z, (sx, sz), wall),
        Face(low + sx * x + sy * y, -y, z, (sy, sz), wall),
        Face(low + sy * y, x, z, (sx, sz), wall),
        Face(low, y, z, (sy, sz), wall),
    ]
    return shell + [face for box in BOXES for face in box.faces(sz)]
