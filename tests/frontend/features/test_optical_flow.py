"""Corners and their flow: known shifts, tracks that must be dropped, empty input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from denseba_ros.frontend.features.optical_flow import detect_corners, track
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pyramid import build_pyramid


def _grey(image: np.ndarray) -> Grey:
    return Grey.from_pyramid(build_pyramid(torch.from_numpy(image).float()[None, None], 5))


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
    corners = detect_corners(_grey(image), 80)
    inner = ((corners > 25) & (corners < np.array([175, 135]))).all(1)
    places, ok = track(_grey(image), _grey(_moved(image, *shift)), corners)
    assert ok[inner].mean() > 0.95
    error = np.linalg.norm(places - corners - shift, axis=1)[ok & inner]
    assert np.median(error) < 0.05
    assert error.max() < 0.5


def test_gain_and_offset_do_not_change_the_tracked_pixel() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 80)
    inner = ((corners > 25) & (corners < np.array([175, 135]))).all(1)
    target = _moved(0.5 * image.astype(np.float32) + 60.0, 3.25, -1.5)
    places, ok = track(_grey(image), _grey(target), corners)
    assert ok[inner].mean() > 0.95
    error = np.linalg.norm(places - corners - (3.25, -1.5), axis=1)[ok & inner]
    assert np.median(error) < 0.05


@pytest.mark.parametrize(("zoom", "degrees"), [(1.6, 0.0), (0.65, 0.0), (1.0, 25.0), (1.3, -15.0)])
def test_corners_are_tracked_through_a_known_warp(zoom: float, degrees: float) -> None:
    """Zoom and roll about the middle, of which each point's surroundings are told."""
    image = _texture(240, 320)
    centre = np.array([159.5, 119.5])
    matrix = cv2.getRotationMatrix2D((159.5, 119.5), degrees, zoom)
    A = matrix[:, :2]
    target = cv2.warpAffine(image, matrix, (320, 240), borderMode=cv2.BORDER_REFLECT)
    corners = detect_corners(_grey(image), 150)
    true = (corners - centre) @ A.T + centre
    inside = ((true > 20) & (true < (300, 220))).all(1) & (
        (corners > 20) & (corners < (300, 220))
    ).all(1)
    corners, true = corners[inside], true[inside]
    guess = (true + np.array([1.5, -1.0])).astype(np.float32)
    warps = np.broadcast_to(A.astype(np.float32), (len(corners), 2, 2))
    places, ok = track(_grey(image), _grey(target), corners, guess, warps)
    assert ok.mean() > 0.95
    assert np.median(np.linalg.norm(places - true, axis=1)[ok]) < 0.08
    _, untold = track(_grey(image), _grey(target), corners, guess)
    assert untold.mean() < ok.mean()


def test_a_warp_that_flattens_is_left_out() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 20)
    flat = np.zeros((len(corners), 2, 2), np.float32)
    places, ok = track(_grey(image), _grey(image), corners, corners, flat)
    assert np.isfinite(places).all()
    assert not ok.any() or np.abs(places - corners)[ok].max() < 1.0


def test_an_initial_guess_extends_the_basin_of_convergence() -> None:
    image = _texture(240, 320)
    shift = np.array([70.0, 0.0], np.float32)
    target = _moved(image, *shift)
    corners = detect_corners(_grey(image), 100)
    corners = corners[(corners > 30).all(1) & (corners[:, 0] < 220) & (corners[:, 1] < 210)]
    places, ok = track(_grey(image), _grey(target), corners, corners + shift + 1.5)
    assert ok.mean() > 0.95
    np.testing.assert_allclose(np.median(places - corners, axis=0), shift, atol=0.05)


def test_the_guess_is_not_changed() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 20)
    guess = corners + 2.0
    kept = guess.copy()
    track(_grey(image), _grey(_moved(image, 1.0, 0.0)), corners, guess)
    np.testing.assert_array_equal(guess, kept)


def test_a_track_that_fails_the_backward_check_is_dropped() -> None:
    """The right half shows something else: little there finds a place it returns from."""
    image, other = _texture(seed=0), _texture(seed=1)
    target = image.copy()
    target[:, 100:] = other[:, 100:]
    corners = detect_corners(_grey(image), 150)
    _, ok = track(_grey(image), _grey(target), corners)
    left, right = corners[:, 0] < 85, corners[:, 0] > 115
    assert ok[left].mean() > 0.95
    assert ok[right].mean() < 0.4


def test_what_leaves_the_image_is_dropped() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 100)
    target = _grey(_moved(image, 40.0, 0.0))
    places, ok = track(_grey(image), target, corners, corners + np.float32([40.0, 0.0]))
    assert not ok[corners[:, 0] > 165].any()
    assert (places[ok] >= 0).all()
    assert (places[ok] <= [199, 159]).all()


def test_no_points_no_tracks() -> None:
    grey = _grey(_texture())
    places, ok = track(grey, grey, np.zeros((0, 2), np.float32))
    assert places.shape == (0, 2)
    assert ok.shape == (0,)


def test_a_flat_target_loses_everything() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 50)
    _, ok = track(_grey(image), _grey(np.full_like(image, 90)), corners)
    assert not ok.any()


def test_corners_are_spread_and_at_most_the_requested_number() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 60)
    assert corners.dtype == np.float32
    assert 30 < len(corners) <= 60
    distance = np.linalg.norm(corners[:, None] - corners, axis=2) + 1e3 * np.eye(len(corners))
    assert distance.min() > 0.6 * np.sqrt(image.size / 60) - 1.0
    quarters = {(x > 100, y > 80) for x, y in corners}
    assert len(quarters) == 4


def test_a_flat_image_has_no_corners() -> None:
    assert detect_corners(_grey(np.full((60, 80), 7, np.uint8)), 100).shape == (0, 2)


def test_the_border_goes_on_as_a_mirror() -> None:
    image = _texture()
    grey = _grey(image)
    np.testing.assert_array_equal(grey.image, image)
    level = grey.levels[0]
    beyond = (level.shape[0] - image.shape[0]) // 2
    np.testing.assert_array_equal(level[beyond - 1], level[beyond])
    assert [one.shape[0] - 2 * beyond for one in grey.levels] == [160, 80, 40, 20, 10]


def test_flow_is_that_of_opencv() -> None:
    """The same minimum, but for the size of the window and the filter of the gradients."""
    image = _texture(seed=3)
    target = _moved(image, 4.6, 2.3)
    corners = detect_corners(_grey(image), 80)
    corners = corners[((corners > 25) & (corners < np.array([170, 130]))).all(1)]
    places, ok = track(_grey(image), _grey(target), corners)
    other, status, _ = cv2.calcOpticalFlowPyrLK(image, target, corners, corners.copy())
    both = ok & (status[:, 0] > 0)
    assert both.mean() > 0.9
    assert np.median(np.linalg.norm(places - other, axis=1)[both]) < 0.03


_ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(guess=arrays(np.float32, (5, 2), elements=_ANY), seed=st.integers(0, 3))
@pytest.mark.slow
def test_no_initial_guess_leaves_the_image(guess: np.ndarray, seed: int) -> None:
    """Far away, infinite or not a number: a place that counts lies in the image."""
    image = _texture(60, 80, seed)
    corners = np.float32([[0, 0], [79, 59], [40, 30], [79, 0], [10, 50]])
    places, ok = track(_grey(image), _grey(_moved(image, 1.0, 1.0)), corners, guess)
    assert np.isfinite(places[ok]).all()
    assert (places[ok] >= 0).all()
    assert (places[ok] <= [79, 59]).all()


def test_only_what_is_wanted_is_tracked() -> None:
    image = _texture()
    corners = detect_corners(_grey(image), 80)
    is_wanted = np.arange(len(corners)) % 2 == 0
    every, ok_every = track(_grey(image), _grey(image), corners)
    some, ok_some = track(_grey(image), _grey(image), corners, is_wanted=is_wanted)
    np.testing.assert_array_equal(ok_some, ok_every & is_wanted)
    np.testing.assert_array_equal(some[ok_some], every[ok_some])
