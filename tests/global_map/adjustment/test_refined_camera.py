"""A camera with what its calibration left over sees what the calibration sees through that."""

from __future__ import annotations

import math

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort
from denseba_ros.global_map.adjustment.lens import Lens
from denseba_ros.global_map.adjustment.refined_camera import refined_camera

LENS = Lens(math.log(0.99), 0.02)
PLACES = np.random.default_rng(0).uniform([-0.6, -0.4], [0.6, 0.4], (200, 2))


def pixels(camera: Calibration, places: np.ndarray) -> np.ndarray:
    """(N, 2) of places (N, 2) at z = 1."""
    return distort(places, camera) * [camera.fx, camera.fy] + [camera.cx, camera.cy]


@pytest.mark.parametrize(
    ("model", "coefficients"),
    [
        ("none", ()),
        ("plumb_bob", (-0.3, 0.1, 0.001, -0.002)),
        ("plumb_bob", (-0.3, 0.1, 0.001, -0.002, 0.01)),
        ("rational_polynomial", (0.1, 0.02, 0.0, 0.0, 0.001, 0.05, 0.01, 0.0)),
        ("equidistant", (0.02, -0.01, 0.002, 0.0)),
    ],
)
def test_it_sees_what_the_calibration_sees_through_the_lens(
    model: str, coefficients: tuple[float, ...]
) -> None:
    camera = Calibration(640, 480, 500.0, 510.0, 315.0, 245.0, model, coefficients)  # type: ignore[arg-type]
    refined = refined_camera(camera, LENS)
    assert (refined.width, refined.height) == (640, 480)
    assert (refined.cx, refined.cy) == (315.0, 245.0)
    assert refined.fx == pytest.approx(0.99 * 500.0)
    apart = pixels(refined, PLACES) - pixels(camera, LENS.seen(PLACES))
    assert np.abs(apart).max() < 0.1
    assert np.abs(pixels(camera, PLACES) - pixels(camera, LENS.seen(PLACES))).max() > 1.0


def test_of_a_camera_without_distortion_it_is_exact() -> None:
    refined = refined_camera(Calibration(640, 480, 500.0, 500.0, 319.5, 239.5), LENS)
    assert refined.model == "plumb_bob"
    np.testing.assert_allclose(refined.coefficients, (0.02, 0.0, 0.0, 0.0), atol=1e-6)


def test_nothing_left_over_is_the_calibration() -> None:
    camera = Calibration(640, 480, 500.0, 510.0, 315.0, 245.0, "plumb_bob", (-0.3, 0.1, 0.0, 0.0))
    refined = refined_camera(camera, Lens())
    np.testing.assert_allclose(refined.coefficients, camera.coefficients, atol=1e-6)
    assert refined.fx == camera.fx
