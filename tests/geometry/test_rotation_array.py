"""Rotation vectors against scipy, at all angles from none to pi."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.rotation_array import (
    quaternion_from_rotation,
    rotation_from_vector,
    vector_from_rotation,
)

ANGLES = (0.0, 1e-12, 1e-7, 0.99e-4, 1.01e-4, 1e-3, 0.3, 2.0, 3.12, 3.14, np.pi - 1e-9, np.pi)


@pytest.mark.parametrize("angle", ANGLES)
def test_it_is_what_scipy_says(angle: float) -> None:
    rng = np.random.default_rng(0)
    for axis in rng.normal(size=(50, 3)):
        vector = angle * axis / np.linalg.norm(axis)
        R = Rotation.from_rotvec(vector).as_matrix()
        np.testing.assert_allclose(rotation_from_vector(vector), R, rtol=0, atol=1e-15 * 8)
        back = vector_from_rotation(R)
        if angle > 3.141:
            # Both signs are the same rotation there.
            np.testing.assert_allclose(Rotation.from_rotvec(back).as_matrix(), R, atol=1e-12)
        else:
            np.testing.assert_allclose(back, vector, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("angle", ANGLES)
def test_the_quaternion_is_that_of_scipy(angle: float) -> None:
    rng = np.random.default_rng(1)
    for axis in rng.normal(size=(50, 3)):
        rotation = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis))
        expected, found = (
            rotation.as_quat(),
            np.array(quaternion_from_rotation(rotation.as_matrix())),
        )
        assert abs(abs(expected @ found) - 1.0) < 1e-14
        np.testing.assert_allclose(np.linalg.norm(found), 1.0, rtol=1e-14)
        # Near none and pi the sign is free.
        same = Rotation.from_quat(found).as_matrix()
        np.testing.assert_allclose(same, rotation.as_matrix(), atol=1e-14)
