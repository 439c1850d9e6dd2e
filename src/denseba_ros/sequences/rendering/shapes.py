"""Rectangles and upright boxes in space. World axes: z up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

# Floors are darker than ceilings, sides in between.
LIGHT = {"floor": 0.85, "ceiling": 1.0, "wall": 0.95, "side": 0.9, "top": 1.0}
"""Share of light that a surface reflects, by what it is."""


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

    def moved(self, T_b_a: np.ndarray) -> Face:
        """The face with coordinates in b, of this one in a: ``T_b_a`` (4, 4)."""
        R = T_b_a[:3, :3]
        return replace(self, origin=R @ self.origin + T_b_a[:3, 3], u=R @ self.u, v=R @ self.v)


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

    def faces(self, ceiling: float) -> list[Face]:
        """The sides, and top and bottom if they are visible below a ``ceiling`` at that height."""
        yaw = math.radians(self.yaw_degrees)
        a = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        b = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        low = np.array([self.x, self.y, self.bottom])
        half_a, half_b, height = 0.5 * self.width * a, 0.5 * self.depth * b, self.top - self.bottom
        side = LIGHT["side"]
        faces = [
            Face(low - half_a - half_b, a, up, (self.width, height), side),
            Face(low + half_a - half_b, b, up, (self.depth, height), side),
            Face(low + half_a + half_b, -a, up, (self.width, height), side),
            Face(low - half_a + half_b, -b, up, (self.depth, height), side),
        ]
        if self.top < ceiling:
            high = low - half_a - half_b + height * up
            faces.append(Face(high, a, b, (self.width, self.depth), LIGHT["top"]))
        if self.bottom > 0.0:
            corner = low - half_a - half_b
            faces.append(Face(corner, b, a, (self.depth, self.width), LIGHT["floor"]))
        return faces
