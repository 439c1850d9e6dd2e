import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.depth.depth_propagation import propagate_depth

CAMERA = Calibration(60, 40, 50.0, 50.0, 29.5, 19.5)


def forward(metres: float) -> np.ndarray:
    T = np.eye(4)
    T[2, 3] = -metres
    return T


def test_without_motion_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    depth = rng.uniform(4.0, 4.5, (40, 60)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.3] = 0.0
    np.testing.assert_allclose(propagate_depth(depth, CAMERA, np.eye(4)), depth, rtol=1e-6)


def test_a_wall_comes_nearer_and_grows() -> None:
    depth = np.zeros((40, 60), np.float32)
    depth[10:30, 20:40] = 4.0
    moved = propagate_depth(depth, CAMERA, forward(2.0))
    # Twice as near, every point twice as far from the axis, so three of four pixels stay empty.
    assert moved[moved > 0] == pytest.approx(2.0)
    assert int((moved > 0).sum()) == int((depth > 0).sum())
    rows, columns = np.nonzero(moved)
    assert rows.min() == 0
    assert rows.max() >= 38
    assert columns.min() <= 11


def test_points_outside_or_behind_are_dropped() -> None:
    depth = np.full((40, 60), 2.0, np.float32)
    assert not propagate_depth(depth, CAMERA, forward(2.5)).any()
    aside = np.eye(4)
    aside[0, 3] = 100.0
    assert not propagate_depth(depth, CAMERA, aside).any()


def test_points_behind_a_sparse_surface_are_occluded() -> None:
    # Every third pixel of a near object was measured; between them shines what is behind.
    depth = np.zeros((40, 60), np.float32)
    depth[::3, :30:3] = 3.0
    depth[1::3, 1::3] = 9.0
    moved = propagate_depth(depth, CAMERA, np.eye(4))
    assert set(np.unique(moved[:, :30])) == {0.0, 3.0}
    np.testing.assert_array_equal(moved[:, 33:], depth[:, 33:])
