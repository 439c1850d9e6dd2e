"""The compiled windows of an image against bilinear interpolation in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from denseba_ros.frontend.features.patch_loops import AROUND, WINDOW, cut, cut_warped
from denseba_ros.geometry.grey import PAD

_HEIGHT, _WIDTH = 23, 31


def _image(seed: int) -> NDArray[np.float32]:
    shape = (_HEIGHT + 2 * PAD, _WIDTH + 2 * PAD)
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def _expected(
    image: NDArray[np.float32], x: float, y: float, warp: NDArray[np.float32], side: int
) -> NDArray[np.float64]:
    steps = np.arange(side) - side // 2
    offsets = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) @ warp.astype(np.float64).T
    column, row = (np.array([x, y]) + PAD + offsets).T
    order = np.stack([row.clip(0, image.shape[0] - 1.001), column.clip(0, image.shape[1] - 1.001)])
    values: NDArray[np.float64] = map_coordinates(image.astype(np.float64), order, order=1)
    return values


def _cut_warped(
    image: NDArray[np.float32], x: float, y: float, warp: NDArray[np.float32], side: int
) -> NDArray[np.float32]:
    values, u, v = (np.empty(side * side, np.float32) for _ in range(3))
    cells = np.empty(side * side, np.int32)
    width = np.uintp(image.shape[1])
    cut_warped(image.ravel(), width, x, y, warp, np.uintp(side), values, u, v, cells)
    return values


@settings(max_examples=50, deadline=None)
@given(
    x=st.floats(0, _WIDTH - 1), y=st.floats(0, _HEIGHT - 1), side=st.sampled_from([WINDOW, AROUND])
)
def test_a_straight_window_is_bilinear(x: float, y: float, side: int) -> None:
    """Wherever its middle lies in the image."""
    image, values = _image(0), np.empty(side * side, np.float32)
    cut(image.ravel(), np.uintp(image.shape[1]), x, y, np.uintp(side), values)
    expected = _expected(image, x, y, np.eye(2, dtype=np.float32), side)
    np.testing.assert_allclose(values, expected, atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(
    x=st.floats(0, _WIDTH - 1),
    y=st.floats(0, _HEIGHT - 1),
    warp=st.lists(st.floats(-2, 2, width=32), min_size=4, max_size=4),
)
def test_a_warped_window_is_bilinear(x: float, y: float, warp: list[float]) -> None:
    """Beyond the padding it is the border's value."""
    image, matrix = _image(1), np.float32(warp).reshape(2, 2)
    values = _cut_warped(image, x, y, matrix, AROUND)
    np.testing.assert_allclose(values, _expected(image, x, y, matrix, AROUND), atol=0.02)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_no_warp_reads_outside_the_image(bad: float) -> None:
    image = _image(2)
    values = _cut_warped(image, 5.0, 5.0, np.full((2, 2), bad, np.float32), AROUND)
    inside = np.isfinite(values)
    assert (values[inside] >= 0).all()
    assert (values[inside] <= 255).all()
