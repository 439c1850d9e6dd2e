"""Which directions of a corner's pixel flow knows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from denseba_ros.frontend.features.corner_information import corner_information
from denseba_ros.frontend.features.optical_flow import track
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pyramid import build_pyramid

_MIDDLE = np.array([[80.0, 60.0]], np.float32)
_Y, _X = np.mgrid[:120, :160].astype(np.float32)


def _grey(image: np.ndarray) -> Grey:
    return Grey.from_pyramid(build_pyramid(torch.from_numpy(image).float()[None, None], 5))


def _line(degrees: float, texture: float) -> np.ndarray:
    """A soft edge through the middle, ``degrees`` from the x axis, with a little texture."""
    angle = np.radians(degrees)
    across = -np.sin(angle) * (_X - 80) + np.cos(angle) * (_Y - 60)
    along = np.cos(angle) * (_X - 80) + np.sin(angle) * (_Y - 60)
    return np.asarray(120 + 60 * np.tanh(across / 2) + texture * np.sin(along / 2), np.float32)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 120.0])
def test_a_point_on_a_line_is_known_across_it(degrees: float) -> None:
    xx, xy, yy = corner_information(_grey(_line(degrees, 2.0)), _MIDDLE)[0]
    information = np.array([[xx, xy], [xy, yy]], np.float64)
    along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    across = np.array([-along[1], along[0]])
    assert along @ information @ along < 0.05
    assert across @ information @ across == pytest.approx(1.0, abs=0.02)


def test_a_corner_is_known_in_all_directions() -> None:
    corner = 120 + 60 * np.tanh((_X - 80) / 2) * np.tanh((_Y - 60) / 2)
    np.testing.assert_allclose(corner_information(_grey(corner), _MIDDLE)[0], [1, 0, 1], atol=0.02)


def test_a_ramp_of_brightness_knows_nothing_but_can_be_inverted() -> None:
    """Its gradient is a change of the offset: flow free of gain and offset does not see it."""
    information = corner_information(_grey(2 * _X), np.array([[80, 60], [-5, 500]], np.float32))
    assert np.isfinite(information).all()
    assert (information[:, 0] * information[:, 2] - information[:, 1] ** 2 > 0).all()


def test_flow_errs_along_lines_as_told() -> None:
    """Noisy images of lines: the error along them over that across, told as 1 / sqrt(information)
    beyond the 1 / sqrt(0.2) of the least round corner, is so within a factor of 1.6."""
    rng = np.random.default_rng(1)
    for texture in (2.0, 6.0):
        image = _line(30.0, texture)
        xx, xy, yy = corner_information(_grey(image), _MIDDLE)[0]
        along, across = np.array([[0.866, 0.5], [-0.5, 0.866]])
        told = (along @ np.array([[xx, xy], [xy, yy]]) @ along) ** -0.5
        errors = []
        for _ in range(60):
            first, second = (image + rng.normal(0, 1.0, image.shape) for _ in range(2))
            pixels, ok = track(_grey(first), _grey(second), _MIDDLE)
            if ok[0]:
                errors.append(pixels[0] - _MIDDLE[0])
        error = np.array(errors)
        ratio = np.std(error @ along) / np.std(error @ across)
        assert 1 / 1.6 < ratio / (told * 5**0.5) < 1.6, (ratio, told)


def test_no_corners_have_no_information() -> None:
    assert corner_information(_grey(_line(0.0, 1.0)), np.zeros((0, 2), np.float32)).shape == (0, 3)
