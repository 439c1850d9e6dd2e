"""A calibration refuses what is no camera, and follows a resize."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "not positive"),
        ({"height": -5}, "not positive"),
        ({"fx": 0.0}, "uncalibrated"),
        ({"fy": -1.0}, "uncalibrated"),
        ({"cx": float("nan")}, "not finite"),
        ({"model": "magic"}, "unknown distortion model"),
        ({"model": "plumb_bob", "coefficients": (0.1,)}, "takes"),
        ({"coefficients": (0.1, 0.2, 0.3, 0.4)}, "takes"),
        ({"model": "equidistant", "coefficients": (0.1, 0.2, 0.3, float("inf"))}, "not finite"),
    ],
)
def test_what_is_no_camera_is_refused(change: dict, message: str) -> None:
    good = {"width": 640, "height": 480, "fx": 500.0, "fy": 500.0, "cx": 320.0, "cy": 240.0}
    Calibration(**good)
    with pytest.raises(CalibrationError, match=message):
        Calibration(**(good | change))


@given(st.integers(8, 2000), st.integers(8, 2000))
def test_resizing_keeps_rays_of_pixel_edges(width: int, height: int) -> None:
    """The outer corners of the image, half a pixel outside the centres, see the same rays."""
    before = Calibration(640, 480, 525.0, 520.0, 310.0, 250.0)
    after = before.resized(width, height)
    for x, y in [(0.0, 0.0), (1.0, 1.0)]:
        rays = [
            np.linalg.solve(c.matrix, [x * c.width - 0.5, y * c.height - 0.5, 1.0])
            for c in (before, after)
        ]
        assert np.allclose(rays[0], rays[1])


def test_zero_coefficients_are_no_distortion() -> None:
    zero = Calibration(640, 480, 500, 500, 320, 240, "plumb_bob", (0.0,) * 5)
    assert not zero.is_distorted
    assert Calibration(640, 480, 500, 500, 320, 240, "plumb_bob", (0.1, 0, 0, 0)).is_distorted
