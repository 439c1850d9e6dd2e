"""Points and poses of a made-up clip, seen by a known camera."""

from __future__ import annotations

import cv2
import numpy as np

from denseba_ros.calibration.projection import project
from denseba_ros.calibration.structure import Structure
from denseba_ros.geometry.calibration import DistortionModel

SIZE = (640, 480)
CAMERA = np.array([610.0, 610.0, 327.0, 236.0, -0.28, 0.07, 0.0, 0.0])


def made_structure(
    camera: np.ndarray = CAMERA,
    model: DistortionModel = "plumb_bob",
    noise: float = 0.3,
    turns: float = 0.15,
    roll: float = 0.2,
    sideways: float = 1.0,
    wrong: float = 0.0,
    seed: int = 0,
) -> Structure:
    """14 poses before a box of 400 points; a share ``wrong`` of the pixels is anywhere."""
    rng = np.random.default_rng(seed)
    points = rng.uniform([-4.0, -3.0, 4.0], [4.0, 3.0, 9.0], (400, 3))
    T, cameras, seen_points, pixels = [], [], [], []
    for row in range(14):
        rotation = rng.normal(0.0, 1.0, 3) * [turns, turns, roll]
        moved = rng.normal(0.0, 0.6, 3) * [sideways, sideways, 1.0]
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(rotation)[0], moved
        T.append(pose)
        seen = project(model, camera, rotation, moved, points).pixels
        inside = np.all((seen >= 0) & (seen <= np.array(SIZE) - 1.0), axis=-1)
        at = seen[inside] + noise * rng.standard_normal((int(inside.sum()), 2))
        is_wrong = rng.random(len(at)) < wrong
        at[is_wrong] = rng.uniform(0.0, SIZE, (int(is_wrong.sum()), 2))
        cameras += [row] * len(at)
        seen_points += np.flatnonzero(inside).tolist()
        pixels += at.tolist()
    # The reconstruction is a little off, and in units of its own.
    T_off = np.array(T)
    T_off[:, :3, 3] += 0.02 * rng.standard_normal((len(T), 3))
    T_off[:, :3, 3] *= 3.0
    off = 3.0 * (points + 0.05 * rng.standard_normal(points.shape))
    return Structure(T_off, off, np.array(cameras), np.array(seen_points), np.array(pixels))
