"""Large turns by phase correlation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pyramid import build_pyramid
from denseba_ros.slam.initialisation.coarse_rotation import coarse_rotation, rotated
from tests.slam.initialisation.turned_image import K, turned


def _grey(image: np.ndarray) -> Grey:
    return Grey.from_pyramid(build_pyramid(torch.from_numpy(image).float()[None, None], 5, plain=1))


@pytest.mark.parametrize(
    "degrees", [(0.0, 0.0), (0.0, 20.0), (0.0, -25.0), (12.0, 0.0), (-8.0, 15.0)]
)
def test_a_turn_of_many_degrees_is_found_to_a_few(degrees: tuple[float, float]) -> None:
    """About x and about y, without any guess; with noise and another exposure."""
    R = Rotation.from_euler("yx", degrees[::-1], degrees=True).as_matrix()
    second = 0.8 * turned(R) + 20.0 + np.random.default_rng(0).normal(0.0, 3.0, (240, 320))
    found = coarse_rotation(_grey(turned(np.eye(3))), _grey(second.astype(np.float32)), K)
    assert found is not None
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    error = Rotation.from_matrix(found @ R.T).magnitude()
    assert np.degrees(error) < 3.0


def test_images_of_nothing_in_common_have_no_rotation() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0.0, 255.0, (240, 320)).astype(np.float32) for _ in range(2))
    assert coarse_rotation(_grey(a), _grey(b), K) is None


def test_pixels_move_as_the_camera_turns() -> None:
    """The middle by f tan, and back by the inverse; behind the camera they stay finite."""
    R = Rotation.from_euler("y", -10.0, degrees=True).as_matrix()
    pixels = np.array([[159.5, 119.5], [30.0, 200.0], [300.0, 20.0]], np.float32)
    moved = rotated(pixels, R, K)
    assert moved.dtype == np.float32
    expected = 159.5 - K[0, 0] * np.tan(np.radians(10.0))
    np.testing.assert_allclose(moved[0], [expected, 119.5], atol=1e-3)
    np.testing.assert_allclose(rotated(moved, R.T, K), pixels, atol=1e-2)
    backwards = rotated(pixels, Rotation.from_euler("y", np.pi).as_matrix(), K)
    assert np.isfinite(backwards).all()
