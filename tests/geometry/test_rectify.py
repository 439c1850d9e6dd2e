"""A point must land where the rectified calibration says, and every pixel must be real."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from denseba_ros.errors import CalibrationError, ImageError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort
from denseba_ros.geometry.rectify import Rectifier

PINHOLE = Calibration(640, 480, 525.0, 525.0, 319.5, 239.5)
KITTI = Calibration(1241, 376, 718.856, 718.856, 607.1928, 185.2157)
EUROC = Calibration(
    752, 480, 458.6, 457.3, 367.2, 248.4, "plumb_bob", (-0.283, 0.074, 1.9e-4, 1.8e-5)
)
FREIBURG1 = Calibration(
    640, 480, 517.3, 516.5, 318.6, 255.3, "plumb_bob", (0.2624, -0.9531, -0.0054, 0.0026, 1.1633)
)
RATIONAL = Calibration(
    1280,
    720,
    900.0,
    900.0,
    641.0,
    355.0,
    "rational_polynomial",
    (0.5, -0.2, 1e-3, -5e-4, 0.05, 0.7, -0.1, 0.02),
)
FISHEYE = Calibration(
    512, 512, 190.9, 190.9, 254.9, 256.9, "equidistant", (0.0034, 7.6e-4, -2.2e-3, 6.8e-4)
)
TILTED = Calibration(
    640,
    480,
    525.0,
    525.0,
    319.5,
    239.5,
    "rational_polynomial",
    (0.1, -0.05, 1e-3, -5e-4, 0.01, 0.02, -0.01, 0.005, 2e-3, -1e-3, 1e-3, 5e-4, 0.02, -0.01),
)
IDEAL_FISHEYE = Calibration(600, 512, 190.9, 190.9, 254.9, 256.9, "equidistant", (0.0,) * 4)
CAMERAS = [PINHOLE, KITTI, EUROC, FREIBURG1, RATIONAL, FISHEYE, TILTED, IDEAL_FISHEYE]
cameras = pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: f"{c.model}_{c.width}")
VGA = 640 * 480


def project(point: np.ndarray, camera: Calibration) -> np.ndarray:
    """Pixel (2,) of a point (3,)."""
    x, y = distort(point[None, :2] / point[2], camera)[0]
    return np.array([x * camera.fx + camera.cx, y * camera.fy + camera.cy])


def blob(camera: Calibration, point: np.ndarray, sigma: float) -> np.ndarray:
    """An image with one Gaussian blob at the projection of a point."""
    x0, y0 = project(point, camera)
    y, x = np.mgrid[: camera.height, : camera.width]
    bump = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2.0 * sigma**2))
    return np.rint(250.0 * bump).astype(np.uint8)


def centroid(image: np.ndarray) -> np.ndarray:
    weight = image.astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@cameras
@pytest.mark.parametrize("working_pixels", [VGA, 50_000])
def test_a_point_lands_where_the_new_calibration_says(
    camera: Calibration, working_pixels: int
) -> None:
    rectifier = Rectifier(camera, working_pixels)
    for x, y in [(0.02, 0.01), (-0.2, 0.08), (0.25, -0.1)]:
        point = np.array([x, y, 1.0])
        image = rectifier.rectify(blob(camera, point, 4.0))
        expected = project(point, rectifier.calibration)
        assert np.abs(centroid(image) - expected).max() < 0.12


@cameras
def test_every_pixel_of_the_result_was_seen(camera: Calibration) -> None:
    """A white image stays white to its last corner."""
    rectifier = Rectifier(camera, VGA)
    white = np.full((camera.height, camera.width), 255, np.uint8)
    assert rectifier.rectify(white).min() >= 254


@pytest.mark.parametrize("camera", [PINHOLE, KITTI, EUROC, FREIBURG1, RATIONAL])
def test_the_view_is_not_needlessly_small(camera: Calibration) -> None:
    """A little wider, and it would show what the camera never saw (a fisheye is cut on purpose)."""
    result = Rectifier(camera, 10_000_000).calibration
    edges = [
        ((0 - result.cx) / result.fx * 1.12, 0.0),
        ((result.width - result.cx) / result.fx * 1.12, 0.0),
        (0.0, (0 - result.cy) / result.fy * 1.12),
        (0.0, (result.height - result.cy) / result.fy * 1.12),
    ]
    for x, y in edges:
        px, py = project(np.array([x, y, 1.0]), camera)
        assert not (1 < px < camera.width - 2 and 1 < py < camera.height - 2)


@given(
    width=st.integers(64, 2000),
    height=st.integers(64, 1500),
    working_pixels=st.integers(19_200, 2_100_000),
)
@example(width=74, height=1083, working_pixels=45_498)
@settings(max_examples=150)
def test_the_size_is_a_multiple_of_8_within_the_budget_and_never_larger(
    width: int, height: int, working_pixels: int
) -> None:
    camera = Calibration(width, height, 500.0, 510.0, width / 2 - 3, height / 2 + 5)
    result = Rectifier(camera, working_pixels).calibration
    assert result.width % 8 == 0
    assert result.height % 8 == 0
    assert result.width * result.height <= working_pixels
    assert result.width <= width
    assert result.height <= height
    # Pixels stay square to the rounding of the size, and little of the view is cut.
    assert result.fx / result.fy == pytest.approx(500.0 / 510.0, rel=0.02)
    assert result.width / result.fx > result.width / (result.width + 8) * width / 500.0
    assert result.height / result.fy > result.height / (result.height + 8) * height / 510.0
    assert not result.is_distorted


def test_an_image_that_fits_is_left_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (480, 640), dtype=np.uint8)
    rectifier = Rectifier(PINHOLE, VGA)
    assert rectifier.calibration == PINHOLE
    assert np.array_equal(rectifier.rectify(image), image)


def test_colour_becomes_grey() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[..., 1] = 200
    grey = Rectifier(PINHOLE, VGA).rectify(image)
    assert grey.shape == (480, 640)
    assert grey[0, 0] == round(0.587 * 200)


def test_reduction_does_not_alias() -> None:
    """A checkerboard of single pixels becomes its mean."""
    board = (255 * (np.indices((960, 1280)).sum(axis=0) % 2)).astype(np.uint8)
    grey = Rectifier(Calibration(1280, 960, 1000, 1000, 640, 480), VGA).rectify(board)
    assert grey.shape == (480, 640)
    assert np.abs(grey.astype(int) - 128).max() <= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((480, 641), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((480, 640), np.float32),
        np.zeros((480 * 640,), np.uint8),
    ],
)
def test_other_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError):
        Rectifier(PINHOLE, VGA).rectify(image)


def test_a_lens_that_cannot_be_undistorted_is_refused() -> None:
    nonsense = Calibration(640, 480, 500, 500, 320, 240, "plumb_bob", (-900.0, 0.0, 0.0, 0.0))
    with pytest.raises(CalibrationError, match="leaves no view"):
        Rectifier(nonsense, VGA)


def test_a_lens_that_folds_inside_the_image_is_cut_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """r (1 - 2 r^2) turns back at r = 0.41; the corners of the image lie at 0.8."""
    folded = Calibration(640, 480, 500, 500, 320, 240, "plumb_bob", (-2.0, 0.0, 0.0, 0.0))
    rectifier = Rectifier(folded, VGA)
    result = rectifier.calibration
    corner = np.hypot(result.cx / result.fx, result.cy / result.fy)
    assert 0.3 < corner < 0.58
    assert "keeps only" in caplog.text


def test_a_tiny_image_is_refused() -> None:
    with pytest.raises(CalibrationError, match="smaller than 16"):
        Rectifier(Calibration(7, 7, 10, 10, 3, 3), VGA)
