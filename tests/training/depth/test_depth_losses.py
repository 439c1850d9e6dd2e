import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from denseba_ros.training.depth.depth_losses import (
    SUPERVISIONS,
    Supervision,
    berhu,
    laplace,
    log_l1,
    scale_invariant,
    smoothness,
    supervised,
)


def grid(*values: float) -> Tensor:
    return torch.tensor(values)[None, None, None]


def test_log_l1_is_its_formula() -> None:
    torch.testing.assert_close(log_l1(grid(3.0), grid(5.0)), grid(math.log(3.0)))


def test_berhu_is_linear_near_and_quadratic_far() -> None:
    value = berhu(grid(0.0, 1.0, 10.0), grid(0.0, 0.0, 0.0), grid(1.0, 1.0, 1.0) > 0)
    c = 2.0
    torch.testing.assert_close(value, grid(0.0, 1.0, (100.0 + c * c) / (2 * c)))


def test_berhu_ignores_what_is_unknown() -> None:
    value = berhu(grid(1.0, 50.0), grid(0.0, 0.0), grid(1.0, 0.0) > 0)
    assert value.flatten()[1] == 0.0
    torch.testing.assert_close(value.flatten()[0], torch.tensor((1.0 + 0.04) / 0.4))


def test_laplace_is_least_where_the_scale_is_the_error() -> None:
    error = 0.2
    sigma = torch.linspace(0.05, 0.5, 91)[None, None, None]
    loss = laplace(torch.full_like(sigma, error), torch.log(sigma), torch.ones_like(sigma))
    assert float(sigma.flatten()[loss.argmin()]) == pytest.approx(error, abs=0.006)


@given(st.floats(0.1, 10.0))
def test_shape_loss_does_not_depend_on_the_scale(scale: float) -> None:
    target = torch.rand(2, 1, 4, 5, generator=torch.Generator().manual_seed(0)) + 0.5
    log_depth = torch.log(target * scale)
    known = torch.ones_like(target, dtype=torch.bool)
    assert float(scale_invariant(log_depth, target, known)) < 1e-5


def test_shape_loss_of_an_image_without_depth_is_zero() -> None:
    log_depth = torch.zeros(1, 1, 3, 3, requires_grad=True)
    nothing = torch.zeros(1, 1, 3, 3)
    loss = scale_invariant(log_depth, nothing, nothing > 0)
    loss.backward()
    assert loss.item() == 0.0
    assert log_depth.grad is not None
    assert bool(torch.isfinite(log_depth.grad).all())


def test_smoothness_allows_steps_at_edges() -> None:
    depth = torch.ones(1, 1, 4, 6)
    depth[..., 3:] = 2.0
    plain, edged = torch.full_like(depth, 100.0), torch.full_like(depth, 20.0)
    edged[..., 3:] = 220.0
    assert float(smoothness(depth, edged)) < float(smoothness(depth, plain))
    assert float(smoothness(torch.ones(1, 1, 4, 6), plain)) == 0.0
    torch.testing.assert_close(smoothness(3.0 * depth, plain), smoothness(depth, plain))


INFINITE = float("inf")
# Pixel by pixel: the hint is better, the hint is worse, no hint, no view sees it.
REPROJECTION = grid(0.4, 0.2, 0.3, INFINITE)
HINT_REPROJECTION = grid(0.1, 0.5, INFINITE, INFINITE)
DEPTH, HINT = grid(2.0, 2.0, 2.0, 2.0), grid(3.0, 4.0, 0.0, 5.0)
LIKELIHOOD = grid(0.7, 0.9, 100.0, 0.5)
MEAN = (0.4 + 0.2 + 0.3) / 3


def loss_of(mode: Supervision, photometric: float = 1.0) -> float:
    counted = torch.ones_like(DEPTH, dtype=torch.bool)
    errors = (REPROJECTION, counted, DEPTH, HINT, HINT_REPROJECTION, LIKELIHOOD)
    return float(supervised(mode, *errors, photometric))


def test_supervision_by_hints_is_the_published_equation() -> None:
    assert loss_of("none") == pytest.approx(MEAN)
    # log(1 + |2 - 3|) at the first pixel alone, of four pixels.
    assert loss_of("hints") == pytest.approx(MEAN + math.log(2.0) / 4)


def test_other_supervisions() -> None:
    all_hints = (math.log(2.0) + math.log(3.0) + math.log(4.0)) / 3
    assert loss_of("hard") == pytest.approx(all_hints)
    assert loss_of("sum") == pytest.approx(MEAN + all_hints)
    assert loss_of("uncertainty") == pytest.approx(MEAN + (0.7 + 0.9 + 0.5) / 3)


def test_a_weight_of_the_images_leaves_the_hints_as_they_are() -> None:
    assert loss_of("uncertainty", 60.0) == pytest.approx(60.0 * MEAN + (0.7 + 0.9 + 0.5) / 3)
    assert loss_of("hints", 60.0) == pytest.approx(60.0 * MEAN + math.log(2.0) / 4)


@pytest.mark.parametrize("mode", SUPERVISIONS)
def test_no_view_and_no_hint_give_a_finite_gradient(mode: Supervision) -> None:
    depth = torch.full((1, 1, 2, 2), 2.0, requires_grad=True)
    never = torch.full((1, 1, 2, 2), INFINITE) + 0.0 * depth.detach()
    nothing = torch.zeros(1, 1, 2, 2)
    counted = torch.ones(1, 1, 2, 2, dtype=torch.bool)
    loss = supervised(mode, never, counted, depth, nothing, never, 0.0 * depth)
    assert loss.item() == 0.0
