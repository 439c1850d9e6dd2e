"""The shapes of the synthetic room: rectangles in space. World axes: x right, y ahead, z up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

ROOM_SIZE = (6.0, 5.0, 2.7)
"""Metres along x, y, z; x and y are centred on the origin, the floor is z = 0."""

# Floors are darker than ceilings, sides in between.
_LIGHT = {"floor": 0.85, "ceiling": 1.0, "wall": 0.95, "side": 0.9, "top": 1.0}


@dataclass(frozen=True)
class Face:
    """A rectangle that is visible from the side of its normal u x v.

    ``origin`` (3,) is a corner, ``u`` and ``v`` (3,) unit edge directions, ``size`` the edge
    lengths in metres, ``light`` the share of light that it reflects.
    """

    origin: np.ndarray
    u: np.ndarray
    v: np.ndarray
    size: tuple[float, float]
    light: float

    @property
    def normal(self) -> np.ndarray:
        """Unit normal (3,) of the visible side."""
        return np.cross(self.u, self.v)

    @property
    def corners(self) -> np.ndarray:
        """Corners (4, 3) in order around the rectangle, metres."""
        du, dv = self.u * self.size[0], self.v * self.size[1]
        return np.stack([self.origin, self.origin + du, self.origin + du + dv, self.origin + dv])


@dataclass(frozen=True)
class Box:
    """A box standing upright: centre and yaw on the floor plan, footprint, bottom and top."""

    x: float
    y: float
    yaw_degrees: float
    width: float
    depth: float
    bottom: float
    top: float

    def faces(self) -> list[Face]:
        """The sides, and top and bottom if they are visible."""
        yaw = math.radians(self.yaw_degrees)
        a = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        b = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        low = np.array([self.x, self.y, self.bottom])
        half_a, half_b, height = 0.5 * self.width * a, 0.5 * self.depth * b, self.top - self.bottom
        side = _LIGHT["side"]
        faces = [
            Face(low - half_a - half_b, a, up, (self.width, height), side),
            Face(low + half_a - half_b, b, up, (self.depth, height), side),
            Face(low + half_a + half_b, -a, up, (self.width, height), side),
            Face(low - half_a + half_b, -b, up, (self.depth, height), side),
        ]
        if self.top < ROOM_SIZE[2]:
            high = low - half_a - half_b + height * up
            faces.append(Face(high, a, b, (self.width, self.depth), _LIGHT["top"]))
        if self.bottom > 0.0:
            corner = low - half_a - half_b
            faces.append(Face(corner, b, a, (self.depth, self.width), _LIGHT["floor"]))
        return faces


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
    wall = _LIGHT["wall"]
    shell = [
        Face(low, x, y, (sx, sy), _LIGHT["floor"]),
        Face(low + sz * z, y, x, (sy, sx), _LIGHT["ceiling"]),
        Face(low + sx * x, -x, z, (sx, sz), wall),
        Face(low + sx * x + sy * y, -y, z, (sy, sz), wall),
        Face(low + sy * y, x, z, (sx, sz), wall),
        Face(low, y, z, (sy, sz), wall),
    ]
    return shell + [face for box in BOXES for face in box.faces()]
