"""Images that show nearly nothing are told from dull ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.image_content import reason_empty


@pytest.fixture(scope="module")
def frontend(room: Any) -> Frontend:
    settings = Config.from_dict({"device": "cpu", "frontend": {"depth_model": "constant"}})
    return Frontend(settings, room.sequence.calibration)


def _reason(frontend: Frontend, image: np.ndarray) -> str:
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return reason_empty(Frame.prepare(frontend.process(0, pixels)))


def _noise(like: np.ndarray, sigma: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, sigma, like.shape)


def test_an_image_of_the_room_shows_enough(frontend: Frontend, room: Any) -> None:
    for image in room.images[::8]:
        assert _reason(frontend, image) == ""


def test_a_dull_image_shows_enough_and_so_does_one_with_a_single_textured_corner(
    frontend: Frontend, room: Any
) -> None:
    image = room.images[0].astype(float)
    assert _reason(frontend, 0.4 * image + 80.0) == ""
    wall = np.full_like(image, 120.0)
    wall[:180, :180] = image[90:270, 150:330]
    assert _reason(frontend, wall) == ""


@pytest.mark.parametrize("kind", ["black", "grey", "dark", "washed out", "noise in the dark"])
def test_an_image_that_shows_nearly_nothing_says_so(
    frontend: Frontend, room: Any, kind: str
) -> None:
    """A few grey levels of a scene, or of noise, are not tracked."""
    image = room.images[0].astype(float)
    empty = {
        "black": 0.0 * image,
        "grey": 0.0 * image + 120.0,
        "dark": 0.03 * image + _noise(image, 2.0),
        "washed out": 240.0 + 0.03 * image + _noise(image, 2.0),
        "noise in the dark": 8.0 + _noise(image, 4.0),
    }[kind]
    assert "shows nearly nothing" in _reason(frontend, empty)


def test_an_image_of_strong_noise_is_left_to_tracking(frontend: Frontend, room: Any) -> None:
    """It has edges, and only matching tells that they are of nothing."""
    image = room.images[0].astype(float)
    assert _reason(frontend, 128.0 + _noise(image, 60.0)) == ""
