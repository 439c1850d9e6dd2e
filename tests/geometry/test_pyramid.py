"""Pyramids keep coordinates, sampling is bilinear, gradients are those of the brightness."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import build_pyramid, inside, sample, with_gradients

_CAMERA = Pinhole(400.0, 380.0, 30.3, 25.1, 64, 48)


def _plane(x_slope: float, y_slope: float, height: int = 48, width: int = 64) -> Tensor:
    y, x = torch.meshgrid(
        torch.arange(height).double(), torch.arange(width).double(), indexing="ij"
    )
    return (10.0 + x_slope * x + y_slope * y)[None, None]


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_ramp_stays_where_it_is(level: int) -> None:
    """Brightness linear in the ray: the same function of the ray on every level."""
    image = _plane(2.0, -0.7)
    pyramid = build_pyramid(image, 4)
    camera = _CAMERA.level(level)
    assert pyramid[level].shape == (1, 3, camera.height, camera.width)
    rays = camera.rays(camera.grid(torch.device("cpu")).double())
    x, y = rays[..., 0] * _CAMERA.fx + _CAMERA.cx, rays[..., 1] * _CAMERA.fy + _CAMERA.cy
    np.testing.assert_allclose(pyramid[level][0, 0], 10.0 + 2.0 * x - 0.7 * y, atol=1e-9)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_gradients_are_per_pixel_of_the_level(level: int) -> None:
    gradients = build_pyramid(_plane(2.0, -0.7), 3)[level][0, 1:, 1:-1, 1:-1]
    scale = 1 << level
    np.testing.assert_allclose(gradients[0], 2.0 * scale, atol=1e-10)
    np.testing.assert_allclose(gradients[1], -0.7 * scale, atol=1e-10)


def test_the_finest_levels_may_go_without_gradients() -> None:
    image = _plane(2.0, -0.7)
    whole, some = build_pyramid(image, 3), build_pyramid(image, 3, plain=1)
    np.testing.assert_array_equal(some[0], image)
    for a, b in zip(whole[1:], some[1:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradients_of_a_smooth_function() -> None:
    y, x = torch.meshgrid(torch.arange(40).double(), torch.arange(50).double(), indexing="ij")
    image = torch.sin(0.1 * x) * torch.cos(0.07 * y)
    out = with_gradients(image[None, None])[0, :, 1:-1, 1:-1]
    x, y = x[1:-1, 1:-1], y[1:-1, 1:-1]
    # A central difference of sin(kx) is sin(k) / k times the derivative.
    np.testing.assert_allclose(
        out[1], np.sin(0.1) * torch.cos(0.1 * x) * torch.cos(0.07 * y), atol=1e-12
    )
    np.testing.assert_allclose(
        out[2], -np.sin(0.07) * torch.sin(0.1 * x) * torch.sin(0.07 * y), atol=1e-12
    )


@given(st.floats(0.0, 62.999), st.floats(0.0, 46.999))
@settings(deadline=None, max_examples=60)
def test_sample_is_bilinear(x: float, y: float) -> None:
    image = torch.rand(48, 64, generator=torch.Generator().manual_seed(0)).double()
    value = sample(image[None, None], torch.tensor([[[x, y]]], dtype=torch.float64))[0, 0, 0]
    i, j = int(y), int(x)
    p, q = y - i, x - j
    top = (1 - q) * image[i, j] + q * image[i, j + 1]
    bottom = (1 - q) * image[i + 1, j] + q * image[i + 1, j + 1]
    np.testing.assert_allclose(value, (1 - p) * top + p * bottom, atol=1e-10)


def test_sample_at_whole_pixels_gives_them_back() -> None:
    image = torch.rand(2, 3, 12, 17, generator=torch.Generator().manual_seed(1))
    y, x = torch.meshgrid(torch.arange(12), torch.arange(17), indexing="ij")
    pixels = torch.stack([x, y], -1).reshape(1, -1, 2).float().expand(2, -1, -1)
    np.testing.assert_allclose(sample(image, pixels), image.flatten(2), atol=1e-5)


def test_sample_outside_takes_the_border() -> None:
    image = _plane(1.0, 0.0)
    pixels = torch.tensor([[[-5.0, 10.0], [100.0, 10.0]]], dtype=torch.float64)
    np.testing.assert_allclose(sample(image, pixels)[0, 0], [10.0, 73.0], atol=1e-10)


@pytest.mark.parametrize(
    ("pixel", "border", "expected"),
    [
        ((0.0, 0.0), 0.0, True),
        ((63.0, 47.0), 0.0, True),
        ((63.01, 47.0), 0.0, False),
        ((30.0, 47.01), 0.0, False),
        ((-0.01, 3.0), 0.0, False),
        ((1.0, 1.0), 1.0, True),
        ((0.99, 5.0), 1.0, False),
        ((62.0, 46.0), 1.0, True),
        ((62.01, 46.0), 1.0, False),
        ((float("nan"), 5.0), 0.0, False),
    ],
)
def test_inside(pixel: tuple[float, float], border: float, expected: bool) -> None:
    assert bool(inside(torch.tensor(pixel), 64, 48, border)) is expected
