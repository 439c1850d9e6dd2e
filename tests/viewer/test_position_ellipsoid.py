from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.viewer.position_ellipsoid import position_ellipsoid


def test_it_holds_95_percent_of_the_positions() -> None:
    random = np.random.default_rng(0)
    turn = Rotation.from_rotvec([0.3, -1.0, 0.7]).as_matrix()
    covariance = np.eye(6)
    covariance[:3, :3] = turn @ np.diag([0.01, 0.09, 1.0]) @ turn.T
    errors = random.multivariate_normal(np.zeros(3), covariance[:3, :3], size=20_000)
    ellipsoid = position_ellipsoid(covariance)
    along = errors @ Rotation.from_quat(ellipsoid.quaternion).as_matrix()
    inside = ((along / ellipsoid.half_axes) ** 2).sum(axis=1) < 1.0
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


def test_a_known_position_is_a_point() -> None:
    assert not position_ellipsoid(np.zeros((6, 6))).half_axes.any()
