"""The ground among points: found under clutter, refused where it is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from denseba_ros.slam.scale.ground_plane import plane_distance

DOWN = np.array([0.0, 1.0, 0.0])


def ground(height: float, roll: float = 0.0, count: int = 400, seed: int = 0) -> np.ndarray:
    """Points of a road (N, 3), its normal turned by ``roll`` rad about the view, depths off by
    2 %."""
    generator = np.random.default_rng(seed)
    x, z = generator.uniform(-4.0, 4.0, count), generator.uniform(3.0, 15.0, count)
    points = np.stack([x, (height - x * math.sin(roll)) / math.cos(roll), z], 1)
    return points * generator.normal(1.0, 0.02, (count, 1))


def clutter(count: int, seed: int = 1) -> np.ndarray:
    """Points (N, 3) of what stands on a road 1.65 under the camera."""
    generator = np.random.default_rng(seed)
    return generator.uniform([-8.0, -3.0, 3.0], [8.0, 1.5, 20.0], (count, 3))


@pytest.mark.parametrize("roll", [-0.1, 0.0, 0.1])
def test_the_road_is_found_among_what_stands_on_it(roll: float) -> None:
    points = np.concatenate([ground(1.65, roll), clutter(600)])
    assert plane_distance(points, DOWN) == pytest.approx(1.65, rel=0.02)


def test_a_large_wall_beside_the_road_does_not_count() -> None:
    wall = ground(2.0, count=1500, seed=2)[:, [1, 0, 2]]
    wall[:, 1] = 0.4 * np.abs(wall[:, 1])
    points = np.concatenate([ground(1.65), wall])
    assert plane_distance(points, DOWN) == pytest.approx(1.65, rel=0.02)


def test_a_camera_that_looks_down_is_told_so() -> None:
    tilt = math.radians(40.0)
    cosine, sine = math.cos(tilt), math.sin(tilt)
    tilted = ground(1.65) @ np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
    assert plane_distance(tilted, DOWN) is None
    down = np.array([0.0, cosine, sine])
    assert plane_distance(tilted, down) == pytest.approx(1.65, rel=0.02)


def test_a_table_is_not_the_ground() -> None:
    table = ground(0.6, count=2000)
    floor = ground(1.65, count=200, seed=3)
    assert plane_distance(table, DOWN) == pytest.approx(0.6, rel=0.02)
    assert plane_distance(np.concatenate([table, floor]), DOWN) is None


def test_without_a_plane_there_is_no_height() -> None:
    assert plane_distance(clutter(600), DOWN) is None
    assert plane_distance(ground(1.65, count=30), DOWN) is None
    wall = ground(1.65)[:, [1, 2, 0]] + np.array([0.0, 0.0, 8.0])
    assert plane_distance(wall, DOWN) is None
    assert plane_distance(np.zeros((0, 3)), DOWN) is None
    assert plane_distance(np.tile([0.0, 1.0, 4.0], (100, 1)), DOWN) is None


def test_the_same_points_give_the_same_height() -> None:
    points = np.concatenate([ground(1.65), clutter(600)])
    assert plane_distance(points, DOWN) == plane_distance(points, DOWN)
