"""What structure from motion knows of a section of a clip: poses, points, and what sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Structure:
    """N cameras, P points and M observations; units of length are the reconstruction's own.

    ``T_camera_world`` (N, 4, 4), ``points`` (P, 3) in the world. Observation m is ``pixels[m]``
    (M, 2), centre of the top-left pixel at (0, 0), of point ``point[m]`` in camera ``camera[m]``.
    """

    T_camera_world: Floats
    points: Floats
    camera: Ints
    point: Ints
    pixels: Floats

    def __post_init__(self) -> None:
        if not len(self.camera) == len(self.point) == len(self.pixels):
            raise ValueError("camera, point and pixels are of different lengths")

    def with_most_seen(self, count: int) -> Structure:
        """Only the ``count`` points that are seen by most cameras, and their observations."""
        order = np.argsort(-np.bincount(self.point, minlength=len(self.points)), kind="stable")
        is_kept = np.zeros(len(self.points), bool)
        is_kept[order[:count]] = True
        seen = is_kept[self.point]
        used, point = np.unique(self.point[seen], return_inverse=True)
        return Structure(
            self.T_camera_world,
            self.points[used],
            self.camera[seen],
            np.asarray(point, np.int64),
            self.pixels[seen],
        )
