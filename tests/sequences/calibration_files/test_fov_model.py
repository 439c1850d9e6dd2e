"""The field-of-view lens against its published equation."""

import logging

import numpy as np
import pytest

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort
from denseba_ros.sequences.calibration_files.fov_model import fov_camera

SIZE = (1280, 1024)


@pytest.mark.parametrize("w", [0.2, 0.5, 0.93])
def test_pixels_are_those_of_the_equation(w: float, caplog: pytest.LogCaptureFixture) -> None:
    fx, fy, cx, cy = 680.0, 690.0, 631.0, 512.0
    with caplog.at_level(logging.WARNING):
        camera = fov_camera(SIZE, fx, fy, cx, cy, w)
    assert "field-of-view" in caplog.text
    pixels = np.random.default_rng(0).uniform((0, 0), SIZE, (500, 2))
    distorted = (pixels - (cx, cy)) / (fx, fy)
    radius = np.linalg.norm(distorted, axis=1, keepdims=True)
    rays = distorted / radius * np.tan(radius * w) / (2 * np.tan(w / 2))
    again = distort(rays, camera) * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    np.testing.assert_allclose(again, pixels, atol=0.1)


def test_no_field_of_view_is_a_pinhole() -> None:
    assert fov_camera(SIZE, 600, 600, 640, 512, 0.0) == Calibration(*SIZE, 600, 600, 640, 512)


@pytest.mark.parametrize("w", [-0.5, 2.0, 4.0, float("inf"), float("nan")])
def test_a_lens_that_no_equidistant_one_equals_is_named(w: float) -> None:
    with pytest.raises(CalibrationError, match="field-of-view"):
        fov_camera(SIZE, 600, 600, 640, 512, w)
