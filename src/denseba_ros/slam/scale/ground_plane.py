"""The ground under the camera, as the map's points show it.

A plane is sought by samples of three points (Fischler, Bolles, "Random sample consensus",
Communications of the ACM 24, 1981), among those that lie level, and fitted to all points near it.
It is the ground only if nothing lies below.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole

Floats = NDArray[np.float64]
# Points with a larger relative deviation of depth are not used.
_CERTAIN = 0.1
# A point is below the horizon by this tangent.
_BELOW_HORIZON = 0.1
# Cosine of the largest angle between the plane's normal and straight down.
_LEVEL = math.cos(math.radians(20.0))
# Samples; largest distance from the plane, over the camera's height; refinements.
_SAMPLES, _NEAR, _ROUNDS = 300, 0.04, 5
# Least number of points on the plane, and their least share of all below the horizon.
_LEAST, _LEAST_SHARE = 60, 0.15
# Largest share, of those on the plane, of points that lie below it by half of the height. Wrong
# depths are some: 0.01 of them on a drive, 0.3 in a turn; under the tops of tables it was 0.5.
_BELOW, _BELOW_SHARE = 0.5, 0.3


def height_over_ground(
    camera: Pinhole, keyframes: list[WindowKeyframe], tilt: float
) -> float | None:
    """Height of the newest keyframe over the ground, in units of the map; None where no ground is
    seen.

    Args:
        camera: of all of them.
        keyframes: whose points are used, oldest first.
        tilt: how far the camera looks down, rad; it may be off by 20 degrees.
    """
    down = np.array([0.0, math.cos(tilt), math.sin(tilt)])
    return plane_distance(certain_points(camera, keyframes), down)


def certain_points(camera: Pinhole, keyframes: list[WindowKeyframe]) -> Floats:
    """Points (N, 3) of the keyframes whose depth is certain, in the newest's frame."""
    found = []
    for keyframe in keyframes:
        points = keyframe.points
        known = points.valid & (points.relative_sigma < _CERTAIN) & (points.inverse_depth > 0)
        depth = 1.0 / points.inverse_depth[known].double()
        rays = camera.rays(points.pixels[known]).double()
        T = (keyframes[-1].T @ se3.inverse(keyframe.T)).to(rays.device)
        found.append(((rays * depth[:, None]) @ T[:3, :3].T + T[:3, 3]).cpu().numpy())
    return np.concatenate(found)


def plane_distance(points: Floats, down: Floats) -> float | None:
    """Distance from the origin of the lowest level plane of ``points`` (N, 3); ``down`` (3,) is a
    unit vector. None where there is none."""
    lower = points @ down
    seen = points[(lower > 0) & (lower > _BELOW_HORIZON * np.linalg.norm(points, axis=1))]
    if len(seen) < _LEAST:
        return None
    plane = _best_sample(seen, down)
    for _ in range(_ROUNDS):
        if plane is None:
            return None
        near = np.abs(seen @ plane - 1.0) < _NEAR
        if int(near.sum()) < max(_LEAST, _LEAST_SHARE * len(seen)):
            return None
        plane = np.linalg.lstsq(seen[near], np.ones(int(near.sum())), rcond=None)[0]
    assert plane is not None
    below = int((seen @ plane > 1.0 + _BELOW).sum())
    if not _is_level(plane[None], down)[0] or below > _BELOW_SHARE * int(near.sum()):
        return None
    return float(1.0 / np.linalg.norm(plane))


def _best_sample(points: Floats, down: Floats) -> Floats | None:
    """Plane n (3,), n . X = 1, through three points that has most others near; None without one.

    The same points give the same plane.
    """
    chosen = np.random.default_rng(0).integers(0, len(points), (_SAMPLES, 3))
    triples = points[chosen]
    usable = np.abs(np.linalg.det(triples)) > 1e-9 * np.linalg.norm(triples, axis=2).prod(1)
    planes = np.linalg.solve(triples[usable], np.ones((int(usable.sum()), 3, 1)))[..., 0]
    planes = planes[_is_level(planes, down)]
    if len(planes) == 0:
        return None
    near = (np.abs(points @ planes.T - 1.0) < _NEAR).sum(0)
    best: Floats = planes[near.argmax()]
    return best


def _is_level(planes: Floats, down: Floats) -> NDArray[np.bool_]:
    """(M,) bool, of planes (M, 3)."""
    level: NDArray[np.bool_] = planes @ down > _LEVEL * np.linalg.norm(planes, axis=1)
    return level
