"""Corners and their flow: known shifts, tracks that must be dropped, empty input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from denseba_ros.frontend.flow import detect_corners, track


def _texture(height: int = 160, width: int = 200, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0.0, 255.0, (height, width))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return cv2.normalize(smooth, np.zeros(0), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def _moved(image: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    size = (image.shape[1], image.shape[0])
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.25, -1.5), (-9.0, 6.0)])
def test_a_known_shift_is_found(shift: tuple[float, float]) -> None:
    image = _texture()
    corners = detect_corners(image, 80)
    inner = ((corners > 25) & (corners < np.array([175, 135]))).all(1)
    places, ok = track(image, _moved(image, *shift), corners)
    assert ok[inner].mean() > 0.95
    error = np.linalg.norm(places - corners - shift, axis=1)[ok & inner]
    assert np.median(error) < 0.05
    assert error.max() < 0.5


def test_a_guess_reaches_farther_than_the_search() -> None:
    image = _texture(240, 320)
    shift = np.array([70.0, 0.0], np.float32)
    target = _moved(image, *shift)
    corners = detect_corners(image, 100)
    corners = corners[(corners > 30).all(1) & (corners[:, 0] < 220) & (corners[:, 1] < 210)]
    places, ok = track(image, target, corners, corners + shift + 1.5)
    assert ok.mean() > 0.95
    np.testing.assert_allclose(np.median(places - corners, axis=0), shift, atol=0.05)


def test_the_guess_is_not_changed() -> None:
    image = _texture()
    corners = detect_corners(image, 20)
    guess = corners + 2.0
    kept = guess.copy()
    track(image, _moved(image, 1.0, 0.0), corners, guess)
    np.testing.assert_array_equal(guess, kept)


def test_a_track_that_cannot_return_is_dropped() -> None:
    """The right half shows something else: little there finds a place it returns from."""
    image, other = _texture(seed=0), _texture(seed=1)
    target = image.copy()
    target[:, 100:] = other[:, 100:]
    corners = detect_corners(image, 150)
    _, ok = track(image, target, corners)
    left, right = corners[:, 0] < 85, corners[:, 0] > 115
    assert ok[left].mean() > 0.95
    assert ok[right].mean() < 0.4


def test_what_leaves_the_image_is_dropped() -> None:
    image = _texture()
    corners = detect_corners(image, 100)
    places, ok = track(image, _moved(image, 40.0, 0.0), corners, corners + np.float32([40.0, 0.0]))
    assert not ok[corners[:, 0] > 165].any()
    assert (places[ok] >= 0).all()
    assert (places[ok] <= [199, 159]).all()


def test_no_points_no_tracks() -> None:
    image = _texture()
    places, ok = track(image, image, np.zeros((0, 2), np.float32))
    assert places.shape == (0, 2)
    assert ok.shape == (0,)


def test_a_flat_target_loses_everything() -> None:
    image = _texture()
    corners = detect_corners(image, 50)
    _, ok = track(image, np.full_like(image, 90), corners)
    assert not ok.any()


def test_corners_are_spread_and_no_more_than_asked() -> None:
    image = _texture()
    corners = detect_corners(image, 60)
    assert corners.dtype == np.float32
    assert 30 < len(corners) <= 60
    distance = np.linalg.norm(corners[:, None] - corners, axis=2) + 1e3 * np.eye(len(corners))
    assert distance.min() > 0.6 * np.sqrt(image.size / 60) - 1.0
    quarters = {(x > 100, y > 80) for x, y in corners}
    assert len(quarters) == 4


def test_a_flat_image_has_no_corners() -> None:
    assert detect_corners(np.full((60, 80), 7, np.uint8), 100).shape == (0, 2)
