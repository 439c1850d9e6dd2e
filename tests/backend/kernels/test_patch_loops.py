"""The compiled patches against those of plain torch in double precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from denseba_ros.backend.photometric import cut_torch, patch_reference


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("alone", [True, False])
def test_patches_are_those_of_torch(drawn: Any, level: int, alone: bool) -> None:
    """Also those across the border of the image, for all hosts or one."""
    window = drawn.window(
        seed=level, keyframes=3, points=120, corners=20, width=97, height=61, spread=0.1
    )
    exact = drawn.in_float64(window).problem
    problem = window.problem
    if alone:
        problem, exact = problem.only_host(1), exact.only_host(1)
    actual, expected = patch_reference(problem, level), patch_reference(exact, level)
    assert actual.brightness.dtype == torch.float32
    assert 0 < int(expected.usable.sum()) < expected.usable.numel()
    torch.testing.assert_close(actual.usable, expected.usable)
    for name in ("pixels", "brightness", "weight"):
        got, wanted = getattr(actual, name).double(), getattr(expected, name)
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-3)


def test_gradients_pass_through_images(drawn: Any) -> None:
    """The loops are not differentiable, so images that want a gradient do not go through them."""
    window = drawn.window(seed=0, keyframes=2, points=9, corners=2, width=97, height=61, spread=0.1)
    images = {1: window.problem.images[1].clone().requires_grad_()}
    reference = patch_reference(replace(window.problem, images=images), 1)
    assert reference.brightness.requires_grad
    centres = (window.problem.pixels + 0.5) / 2 - 0.5
    problem = window.problem
    expected = cut_torch(problem.images[1], problem.hosts, centres, problem.valid, problem.noise)
    torch.testing.assert_close(reference.brightness.detach(), expected.brightness)
