"""The compiled costs along epipolar lines against those of torch in float64."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from denseba_ros.frontend.two_view.epipolar_search import (
    choose_cpu,
    choose_torch,
    line_costs_cpu,
    line_costs_torch,
)
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(21, 90),
    height=st.integers(21, 70),
    targets=st.integers(1, 4),
    points=st.integers(1, 12),
    spread=st.sampled_from([0.05, 0.3, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_costs_are_those_of_torch(
    width: int, height: int, targets: int, points: int, spread: float, seed: int
) -> None:
    """With lines that leave the image and points behind the camera."""
    rng = np.random.default_rng(seed)
    camera = Pinhole(0.8 * width, 0.9 * width, 0.5 * width, 0.45 * height, width, height)
    noise = rng.normal(size=(targets, height, width))
    images = np.stack([100 + 100 * cv2.GaussianBlur(image, (0, 0), 2) for image in noise])
    T = se3.exp(torch.from_numpy(spread * rng.normal(size=(targets, 6))))
    centre = rng.uniform([3, 3], [width - 4, height - 4], (points, 1, 2))
    rays = camera.rays(torch.from_numpy(centre + rng.uniform(-2, 2, (points, 8, 2))))
    low = torch.from_numpy(rng.uniform(0.01, 0.5, (points, 1)))
    d = low * torch.linspace(1, 20, 64, dtype=torch.float64)
    reference = torch.from_numpy(rng.normal(100, 20, (points, 8)))
    exact = (d, rays, reference, torch.from_numpy(images), T)
    single = tuple(t.float() for t in exact)
    cost, rate = line_costs_cpu(camera, *single)
    expected_cost, expected_rate = line_costs_torch(camera, *exact)
    # A patch on the very border may fall on either side of it by rounding.
    same = (cost - expected_cost).abs() < 1e-2 * expected_cost + 1e-2
    assert float(same.float().mean()) > 0.98
    assume(bool(same.all()))
    moving = (rate - expected_rate).abs() < 1e-2 * expected_rate + 1e-2
    assert float(moving.float().mean()) > 0.98


@settings(max_examples=60, deadline=None)
@given(points=st.integers(0, 12), rough=st.floats(0.0, 40.0), seed=st.integers(0, 2**32 - 1))
def test_the_choice_is_that_of_torch(points: int, rough: float, seed: int) -> None:
    """Of costs with one valley or many, at the ends too."""
    rng = np.random.default_rng(seed)
    low, high = rng.uniform(0.01, 0.5, (points, 1)), rng.uniform(0.6, 3.0, (points, 1))
    d = low + (high - low) * np.linspace(0, 1, 64)
    valley = np.abs(np.arange(64) - rng.integers(0, 64, (points, 1)))
    cost = np.minimum(3.0 * valley, 40.0) + rough * rng.uniform(0, 1, (points, 64))
    rate = rng.choice([0.0, 0.05, 0.7], (points, 1)) * np.ones((1, 64))
    given_tensors = [torch.from_numpy(x).float() for x in (d, cost, rate)]
    found, expected = choose_cpu(*given_tensors), choose_torch(*given_tensors)
    torch.testing.assert_close(found.inverse_depth, expected.inverse_depth)
    torch.testing.assert_close(found.relative_sigma, expected.relative_sigma)
    assert torch.equal(found.ok, expected.ok)
