"""Which pixels become points: corners first, spread gradients, nothing in flat regions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.point_selection import _largest_near, select_points
from denseba_ros.geometry.pyramid import build_pyramid

_NO_CORNERS = torch.zeros(0, 2)


def _noise(height: int = 120, width: int = 160, contrast: float = 30.0) -> Tensor:
    coarse = torch.rand(1, 1, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    image: Tensor = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return 100.0 + contrast * image


def test_corners_take_the_first_slots() -> None:
    corners = torch.tensor([[10.0, 20.0], [30.5, 40.25]])
    pixels, used = select_points(build_pyramid(_noise(), 2), corners, 5, 105)
    assert pixels.shape == (105, 2)
    np.testing.assert_array_equal(pixels[:2], corners)
    assert used[:5].tolist() == [True, True, False, False, False]
    assert used[5:].all()


@pytest.mark.parametrize("size", [(24, 40), (40, 24), (20, 200)])
def test_images_smaller_than_a_region_have_points_too(size: tuple[int, int]) -> None:
    pixels, used = select_points(build_pyramid(_noise(*size), 2), _NO_CORNERS, 0, 60)
    assert pixels.shape == (60, 2)
    assert 0 < used.sum() <= 60
    assert (pixels[used] > 0).all()


def test_more_corners_than_slots_are_cut() -> None:
    corners = torch.rand(9, 2, generator=torch.Generator().manual_seed(1)) * 100
    pixels, used = select_points(build_pyramid(_noise(), 2), corners, 5, 50)
    np.testing.assert_array_equal(pixels[:5], corners[:5])
    assert used.all()


def test_points_are_distinct_and_away_from_the_border() -> None:
    pixels, used = select_points(build_pyramid(_noise(), 2), _NO_CORNERS, 0, 400)
    assert used.all()
    assert len(torch.unique(pixels, dim=0)) == 400
    x, y = pixels.unbind(-1)
    assert float(x.min()) >= 8
    assert float(y.min()) >= 8
    assert float(x.max()) <= 160 - 8
    assert float(y.max()) <= 120 - 8


@pytest.mark.parametrize(("contrast", "share", "count"), [(100.0, 0.1, 400), (600.0, 0.5, 60)])
def test_a_dark_half_gets_its_share(contrast: float, share: float, count: int) -> None:
    """The left half has less contrast, but gradients of its own: few points, too, are strong
    against their region rather than against the whole image."""
    image = _noise(contrast=contrast)
    image[..., :80] = 100.0 + share * (image[..., :80] - 100.0)
    pixels, _ = select_points(build_pyramid(image, 2), _NO_CORNERS, 0, count)
    left = float((pixels[:, 0] < 80).float().mean())
    assert 0.1 < left < 0.6


def test_points_lie_on_gradients() -> None:
    image = torch.full((1, 1, 120, 160), 50.0)
    image[..., 40:80, 60:100] = 150.0
    pixels, used = select_points(build_pyramid(image, 2), _NO_CORNERS, 0, 60)
    x, y = pixels[used].unbind(-1)
    to_x = torch.minimum((x - 59.5).abs(), (x - 99.5).abs())
    to_y = torch.minimum((y - 39.5).abs(), (y - 79.5).abs())
    assert float(torch.minimum(to_x, to_y).max()) <= 4.0


def test_a_flat_image_has_no_points() -> None:
    flat = torch.full((1, 1, 96, 96), 80.0)
    pixels, used = select_points(build_pyramid(flat, 2), _NO_CORNERS, 0, 50)
    assert not used.any()
    assert torch.isfinite(pixels).all()


def test_more_points_than_pixels() -> None:
    pixels, used = select_points(build_pyramid(_noise(64, 80), 2), _NO_CORNERS, 0, 2000)
    assert pixels.shape == (2000, 2)
    assert 0 < int(used.sum()) <= 24 * 32


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (23, 30)])
def test_the_largest_of_a_neighbourhood_is_that_of_a_pool(height: int, width: int) -> None:
    score = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.max_pool2d(score, 3, 1, 1)
    assert torch.equal(_largest_near(score), expected)
