"""One image in, one frame out: shapes, values, and images that do not fit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError, ImageError
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.calibration import Calibration

_CALIBRATION = Calibration(320, 240, 262.0, 262.0, 159.5, 119.5)
_CPU = Config.from_dict({"device": "cpu"})


def _image(height: int = 240, width: int = 320) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


def test_a_small_image_is_passed_as_it_is() -> None:
    frame = Frontend(_CPU, _CALIBRATION).process(12345, _image())
    assert frame.stamp_ns == 12345
    assert frame.image.shape == (1, 1, 240, 320)
    assert frame.image.dtype == torch.float32
    np.testing.assert_array_equal(frame.image[0, 0], _image())
    assert frame.calibration == _CALIBRATION
    assert frame.log_depth.shape == frame.log_depth_sigma.shape == (1, 1, 60, 80)
    assert frame.motion is None
    assert frame.device == torch.device("cpu")


def test_a_large_image_is_reduced_with_its_calibration() -> None:
    config = Config.from_dict({"device": "cpu", "frontend": {"working_pixels": 19_200}})
    frame = Frontend(config, _CALIBRATION).process(0, _image())
    assert frame.image.shape == (1, 1, 120, 160)
    assert (frame.calibration.width, frame.calibration.height) == (160, 120)
    assert frame.calibration.fx == pytest.approx(131.0)
    assert frame.log_depth.shape == (1, 1, 30, 40)


def test_colour_becomes_grey() -> None:
    colour = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    frame = Frontend(_CPU, _CALIBRATION).process(0, colour)
    np.testing.assert_array_equal(frame.image[0, 0], cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY))


@pytest.mark.parametrize(
    "image",
    [
        _image(240, 319),
        _image(320, 240),
        _image().astype(np.float32),
        _image()[..., None],
        np.zeros((240, 320, 4), np.uint8),
        np.zeros((0, 0), np.uint8),
    ],
    ids=["narrow", "upright", "float", "one channel", "four channels", "empty"],
)
def test_an_image_that_does_not_fit_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError):
        Frontend(_CPU, _CALIBRATION).process(0, image)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_reported() -> None:
    with pytest.raises(ConfigurationError, match="cuda"):
        Frontend(Config.from_dict({"device": "cuda"}), _CALIBRATION)


def test_the_same_image_gives_the_same_frame() -> None:
    frontend = Frontend(_CPU, _CALIBRATION)
    first, second = frontend.process(0, _image()), frontend.process(0, _image())
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.log_depth, second.log_depth)
