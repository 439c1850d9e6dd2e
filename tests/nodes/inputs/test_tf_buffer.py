"""Chains of transforms."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.body_frame import T_base_optical
from denseba_ros.nodes.inputs.tf_buffer import TfBuffer

T_BASE_MAST = T_base_optical(1.0, 0.0, 0.5, 0.1, 0.2, 0.3)
T_MAST_CAMERA = T_base_optical(0.0, 0.2, 0.0, -0.4, 0.0, 1.0)
T_BASE_IMU = T_base_optical(0.0, 0.0, 0.1, 0.0, 0.0, 0.5)


@pytest.fixture
def tree() -> TfBuffer:
    tree = TfBuffer()
    tree.set("base_link", "mast", T_BASE_MAST)
    tree.set("/mast", "/camera", T_MAST_CAMERA)
    tree.set("base_link", "imu", T_BASE_IMU)
    return tree


def test_chains_are_followed_up_down_and_across(tree: TfBuffer) -> None:
    T_base_camera = T_BASE_MAST @ T_MAST_CAMERA
    np.testing.assert_allclose(tree.lookup("base_link", "camera"), T_base_camera, atol=1e-12)
    up = tree.lookup("camera", "base_link")
    np.testing.assert_allclose(up, np.linalg.inv(T_base_camera), atol=1e-12)
    across = tree.lookup("imu", "camera")
    np.testing.assert_allclose(across, np.linalg.inv(T_BASE_IMU) @ T_base_camera, atol=1e-12)
    np.testing.assert_allclose(tree.lookup("camera", "camera"), np.eye(4))


def test_frames_that_are_not_connected_have_no_transform(tree: TfBuffer) -> None:
    assert tree.lookup("base_link", "elsewhere") is None


def test_a_loop_is_refused(tree: TfBuffer) -> None:
    tree.set("camera", "base_link", np.eye(4))
    with pytest.raises(CalibrationError, match="loop"):
        tree.lookup("base_link", "camera")
