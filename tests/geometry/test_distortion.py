"""Our lens models against OpenCV's, and against their own inverse and derivative."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort, project, undistort, unproject

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
EQUIDISTANT = Calibration(
    512, 512, 190.9, 190.9, 254.9, 256.9, "equidistant", (0.0034, 7.6e-4, -2.2e-3, 6.8e-4)
)
PINHOLE = Calibration(640, 480, 525.0, 520.0, 319.5, 239.5)
CAMERAS = [PLUMB_4, PLUMB_5, RATIONAL, EQUIDISTANT, PINHOLE]

cameras = pytest.mark.parametrize(
    "camera", CAMERAS, ids=lambda c: f"{c.model}{len(c.coefficients)}"
)


def some_points(seed: int, spread: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.3, 20.0, (200, 1))
    return np.hstack([rng.uniform(-spread, spread, (200, 2)) * z, z])


def opencv_pixels(points: np.ndarray, camera: Calibration) -> np.ndarray:
    D = np.array(camera.coefficients)
    zero = np.zeros(3)
    if camera.model == "equidistant":
        pixels, _ = cv2.fisheye.projectPoints(points[:, None], zero, zero, camera.matrix, D)
    else:
        pixels, _ = cv2.projectPoints(points, zero, zero, camera.matrix, D)
    return pixels[:, 0]


@cameras
def test_projection_is_opencvs(camera: Calibration) -> None:
    points = some_points(0)
    ours = project(torch.from_numpy(points), camera).numpy()
    assert np.allclose(ours, opencv_pixels(points, camera), atol=1e-8)


@cameras
@given(x=st.floats(-0.55, 0.55), y=st.floats(-0.45, 0.45), depth=st.floats(0.1, 100.0))
def test_a_ray_goes_through_the_pixel_it_came_from(
    camera: Calibration, x: float, y: float, depth: float
) -> None:
    point = torch.tensor([[x * depth, y * depth, depth]], dtype=torch.float64)
    ray = unproject(project(point, camera), camera)
    assert torch.allclose(ray * depth, point, rtol=1e-9, atol=1e-9 * depth)


@given(angle=st.floats(0.0, 1.35), direction=st.floats(0.0, 6.28))
def test_equidistant_inverts_to_the_edge_of_a_wide_lens(angle: float, direction: float) -> None:
    r = np.tan(angle)
    point = torch.tensor([r * np.cos(direction), r * np.sin(direction)], dtype=torch.float64)
    assert torch.allclose(undistort(distort(point, EQUIDISTANT), EQUIDISTANT), point, atol=1e-7)


@cameras
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_dtype_are_kept(camera: Calibration, dtype: torch.dtype) -> None:
    points = torch.from_numpy(some_points(1)).to(dtype).reshape(2, 10, 10, 3)
    pixels = project(points, camera)
    assert pixels.shape == (2, 10, 10, 2)
    assert pixels.dtype == dtype
    rays = unproject(pixels, camera)
    assert rays.shape == (2, 10, 10, 3)
    assert rays.dtype == dtype
    tolerance = 2e-4 if dtype == torch.float32 else 1e-9
    assert torch.allclose(rays, points / points[..., 2:], atol=tolerance)


@cameras
def test_the_optical_axis_hits_the_principal_point(camera: Calibration) -> None:
    axis = torch.tensor([0.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    pixel = project(axis, camera)
    assert torch.allclose(pixel, pixel.new_tensor([camera.cx, camera.cy]))
    pixel.sum().backward()
    assert axis.grad is not None
    assert torch.isfinite(axis.grad).all()


@cameras
def test_gradients_are_those_of_finite_differences(camera: Calibration) -> None:
    points = torch.from_numpy(some_points(2)[:5]).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: project(p, camera), (points,))


def test_beyond_the_fold_the_inverse_stays_finite() -> None:
    folded = Calibration(640, 480, 500.0, 500.0, 320.0, 240.0, "plumb_bob", (-0.5, 0.0, 0.0, 0.0))
    far = torch.tensor([[2.0, 1.5], [-3.0, 0.1]], dtype=torch.float64)
    assert torch.isfinite(undistort(far, folded)).all()
