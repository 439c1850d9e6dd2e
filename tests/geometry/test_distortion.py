"""The lens models against their published equations and against their own inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort, undistort

PLUMB_4 = Calibration(
    752, 480, 458.6, 457.3, 367.2, 248.4, "plumb_bob", (-0.283, 0.074, 1.9e-4, 1.8e-5)
)
PLUMB_5 = Calibration(
    640, 480, 517.3, 516.5, 318.6, 255.3, "plumb_bob", (0.26, -0.95, -0.0054, 0.0026, 1.16)
)
RATIONAL = Calibration(
    640,
    480,
    500.0,
    505.0,
    321.0,
    239.0,
    "rational_polynomial",
    (0.5, -0.2, 1e-3, -5e-4, 0.05, 0.7, -0.1, 0.02),
)
THIN_PRISM = Calibration(
    640,
    480,
    500.0,
    505.0,
    321.0,
    239.0,
    "rational_polynomial",
    (0.1, -0.05, 1e-3, -5e-4, 0.01, 0.02, -0.01, 0.005, 2e-3, -1e-3, 1e-3, 5e-4),
)
TILTED = Calibration(
    640,
    480,
    500.0,
    505.0,
    321.0,
    239.0,
    "rational_polynomial",
    (*THIN_PRISM.coefficients, 0.02, -0.01),
)
IDEAL_FISHEYE = Calibration(512, 512, 190.9, 190.9, 254.9, 256.9, "equidistant", (0.0,) * 4)
EQUIDISTANT = Calibration(
    512, 512, 190.9, 190.9, 254.9, 256.9, "equidistant", (0.0034, 7.6e-4, -2.2e-3, 6.8e-4)
)
PINHOLE = Calibration(640, 480, 525.0, 520.0, 319.5, 239.5)
CAMERAS = [PLUMB_4, PLUMB_5, RATIONAL, THIN_PRISM, TILTED, EQUIDISTANT, IDEAL_FISHEYE, PINHOLE]

cameras = pytest.mark.parametrize(
    "camera", CAMERAS, ids=lambda c: f"{c.model}{len(c.coefficients)}"
)


def some_rays(seed: int, spread: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-spread, spread, (200, 2))


def test_plumb_bob_is_its_equation() -> None:
    """As sensor_msgs/CameraInfo and OpenCV's documentation give it."""
    x, y = some_rays(0).T
    k1, k2, p1, p2, k3 = PLUMB_5.coefficients
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    expected = [
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    ]
    np.testing.assert_allclose(distort(some_rays(0), PLUMB_5).T, expected, atol=1e-12)


def test_an_equidistant_lens_without_coefficients_is_no_pinhole() -> None:
    rays = some_rays(3)
    r = np.linalg.norm(rays, axis=1, keepdims=True)
    np.testing.assert_allclose(distort(rays, IDEAL_FISHEYE), rays * np.arctan(r) / r, atol=1e-9)


def test_equidistant_is_its_equation() -> None:
    rays = some_rays(1)
    r = np.linalg.norm(rays, axis=1)
    theta = np.arctan(r)
    powers = np.stack([theta**3, theta**5, theta**7, theta**9])
    distorted = theta + np.array(EQUIDISTANT.coefficients) @ powers
    expected = rays * (distorted / r)[:, None]
    np.testing.assert_allclose(distort(rays, EQUIDISTANT), expected, atol=1e-12)


@cameras
@given(x=st.floats(-0.55, 0.55), y=st.floats(-0.45, 0.45))
def test_undistortion_is_the_inverse(camera: Calibration, x: float, y: float) -> None:
    ray = np.array([[x, y]])
    np.testing.assert_allclose(undistort(distort(ray, camera), camera), ray, atol=1e-10)


@given(angle=st.floats(0.0, 1.35), direction=st.floats(0.0, 6.28))
def test_equidistant_inverts_to_the_edge_of_a_wide_lens(angle: float, direction: float) -> None:
    ray = np.tan(angle) * np.array([[np.cos(direction), np.sin(direction)]])
    np.testing.assert_allclose(undistort(distort(ray, EQUIDISTANT), EQUIDISTANT), ray, atol=1e-7)


@cameras
def test_the_optical_axis_stays(camera: Calibration) -> None:
    np.testing.assert_allclose(distort(np.zeros((1, 2)), camera), 0.0, atol=1e-15)


@cameras
def test_no_points_are_no_points(camera: Calibration) -> None:
    assert distort(np.zeros((0, 2)), camera).shape == (0, 2)
    assert undistort(np.zeros((0, 2)), camera).shape == (0, 2)


def test_beyond_the_fold_the_inverse_stays_finite() -> None:
    folded = Calibration(640, 480, 500.0, 500.0, 320.0, 240.0, "plumb_bob", (-0.5, 0.0, 0.0, 0.0))
    assert np.isfinite(undistort(np.array([[2.0, 1.5], [-3.0, 0.1]]), folded)).all()
