"""Rotation from corners alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.frontend.two_view.two_view_rotation import rotation_between

K = np.array([[500.0, 0, 320], [0, 490.0, 240], [0, 0, 1]])


def _turned(corners: np.ndarray, R: np.ndarray) -> np.ndarray:
    rays = np.column_stack([corners, np.ones(len(corners))]) @ np.linalg.inv(K).T @ R.T
    return (rays @ K.T)[:, :2] / rays[:, 2:]


@given(st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3), st.integers(0, 100))
def test_a_pure_rotation_is_found(vector: list[float], seed: int) -> None:
    corners = np.random.default_rng(seed).uniform([40, 40], [600, 440], (60, 2))
    R = Rotation.from_rotvec(vector).as_matrix()
    found = rotation_between(corners.astype(np.float32), _turned(corners, R), K)
    np.testing.assert_allclose(found, R, atol=1e-5)


def test_near_corners_with_parallax_do_not_bias_the_rotation() -> None:
    corners = np.random.default_rng(0).uniform([40, 40], [600, 440], (100, 2))
    R = Rotation.from_rotvec([0.01, 0.03, -0.02]).as_matrix()
    seen = _turned(corners, R)
    seen[:30, 0] += 8.0
    found = rotation_between(corners.astype(np.float32), seen.astype(np.float32), K)
    angle = np.degrees(Rotation.from_matrix(found @ R.T).magnitude())
    assert angle < 0.02


def test_no_corners_give_the_identity() -> None:
    nothing = np.zeros((0, 2), np.float32)
    assert rotation_between(nothing, nothing, K) == pytest.approx(np.eye(3))
