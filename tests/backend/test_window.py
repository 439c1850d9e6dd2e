"""A window in a larger world shows the same images; what an adjustment leaves in it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from denseba_ros.backend.problem import Variables
from denseba_ros.backend.solver.normal_equations import LinearSystem
from denseba_ros.backend.window import Window, seen_from
from denseba_ros.geometry import se3
from tests.scaled_keyframe import CAMERA, keyframe, window_of


@pytest.mark.parametrize("about", [0, 1, -1])
def test_rescale_changes_lengths_and_no_projection(about: int) -> None:
    window = window_of(*(keyframe(number, 1.0) for number in (1, 2, 3)))
    # A deviation that only the rescaled prior of the depths keeps.
    for one in window.keyframes:
        one.points.prior_depth = 1.1 * one.points.inverse_depth
        one.first_inverse_depth_map = 2.0 * one.inverse_depth_map
    before = copy.deepcopy(window.keyframes)
    window.rescale(1.6, about)
    torch.testing.assert_close(window.keyframes[about].T, before[about].T)
    for k, (new, old) in enumerate(zip(window.keyframes, before, strict=True)):
        torch.testing.assert_close(new.points.inverse_depth, old.points.inverse_depth / 1.6)
        missed, missed_before = (
            one.points.prior_information * (one.points.inverse_depth - one.points.prior_depth) ** 2
            for one in (new, old)
        )
        torch.testing.assert_close(missed, missed_before)
        assert new.first_inverse_depth_map is not None
        assert old.first_inverse_depth_map is not None
        for name in ("inverse_depth_map", "network_depth", "first_inverse_depth_map"):
            one, other = getattr(new, name), getattr(old, name)
            torch.testing.assert_close(one[0], other[0] / 1.6)
            assert torch.equal(one[1], other[1])
        following = (k + 1) % 3
        seen = seen_from(CAMERA, new, window.keyframes[following])
        expected = seen_from(CAMERA, old, before[following])
        torch.testing.assert_close(seen.pixels, expected.pixels)
        steps = (
            a.T @ se3.inverse(b.T)
            for a, b in ((new, window.keyframes[following]), (old, before[following]))
        )
        grown, step = steps
        torch.testing.assert_close(grown[:3, 3], 1.6 * step[:3, 3])


def test_the_prior_goes_along() -> None:
    """Energy of a frame away from where the prior holds it is the same in the larger world."""
    window = window_of(keyframe(1, 1.0), keyframe(2, 1.0))
    assert window.prior is not None
    window.keyframes[0].T = se3.exp(torch.full((6,), 1e-4).double()) @ window.keyframes[0].T
    energies = []
    for _ in range(2):
        T, affine = (
            torch.stack([getattr(k, n) for k in window.keyframes]) for n in ("T", "affine")
        )
        energies.append(float(window.prior.at(T, affine)[2]))
        window.rescale(2.0, about=1)
    assert energies[0] > 1.0
    assert energies[1] == pytest.approx(energies[0], rel=1e-9)


def _system(window: Window, information: Tensor, costs: Tensor) -> LinearSystem:
    """The last system of an adjustment as far as the window looks at it."""
    n = len(window.keyframes) * 8
    nothing = torch.zeros(0)
    H = torch.eye(n, dtype=torch.float64)
    return LinearSystem(H, H[0], information, nothing, nothing, costs, H[0, 0])


def _updated(window: Window, depth_factor: float, sigma: float, fits: bool) -> Variables:
    """Adjusted to ``depth_factor`` times the depths, which are known to ``sigma`` of themselves."""
    before = window.variables()
    variables = Variables(before.T, before.affine, before.inverse_depth / depth_factor)
    count = len(window.keyframes)
    costs = torch.full((count, count, variables.inverse_depth.shape[1]), 1.0 if fits else -1.0)
    information = (sigma * variables.inverse_depth) ** -2
    window.update(variables, _system(window, information, costs))
    return variables


@pytest.mark.parametrize("factor", [0.1, 1.0, 30.0])
def test_deviations_of_depths_are_relative(factor: float) -> None:
    """Near or far: information on the inverse depth, over what it is after the adjustment."""
    window = window_of(keyframe(1, 1.0), keyframe(2, 1.0))
    variables = _updated(window, factor, 0.07, fits=True)
    for i, one in enumerate(window.keyframes):
        assert torch.equal(one.points.inverse_depth, variables.inverse_depth[i])
        torch.testing.assert_close(
            one.points.relative_sigma, torch.full_like(one.points.inverse_depth, 0.07)
        )


def test_points_that_fit_nowhere_know_nothing_unless_they_are_tracked_corners() -> None:
    window = window_of(keyframe(1, 1.0), keyframe(2, 1.0))
    first = window.keyframes[0]
    corners = first.points.corners
    tracked = torch.arange(corners) % 2 == 0
    first.observed[2] = (torch.zeros(corners, 2), tracked)
    _updated(window, 1.0, 0.07, fits=False)
    sigma = first.points.relative_sigma
    torch.testing.assert_close(sigma[:corners][tracked], torch.full((int(tracked.sum()),), 0.07))
    assert (sigma[:corners][~tracked] >= 1.0).all()
    assert (sigma[corners:] >= 1.0).all()
    assert (window.keyframes[1].points.relative_sigma >= 1.0).all()


def _first_estimates(window: Window) -> list[bool]:
    return [k.uses_first_estimate for k in window.keyframes]


def test_frames_keep_their_first_estimate_from_when_a_prior_ties_them() -> None:
    """The first one by the gauge, all that stay by what a marginalised one leaves; not those that
    come later."""
    window = window_of(keyframe(1, 1.0), keyframe(2, 1.0), keyframe(3, 1.0))
    assert _first_estimates(window) == [True, False, False]
    one, two, three = window.keyframes
    two.observed = {1: (torch.zeros(50, 2), torch.ones(50).bool())}
    three.observed = {1: two.observed[1], 2: two.observed[1]}
    left = window.gauge_without(0)
    assert window.remove(0, left) is one
    assert window.prior is left
    assert _first_estimates(window) == [True, True]
    assert not two.observed
    assert list(three.observed) == [2]
    window.append(keyframe(4, 1.0))
    assert _first_estimates(window) == [True, True, False]
    assert len(window.prior.b) == 8 * 3


@pytest.mark.parametrize(("leaves", "held"), [(0, 2), (1, 1), (2, 1)])
def test_where_nothing_is_left_behind_the_oldest_other_one_is_held(leaves: int, held: int) -> None:
    """By a deviation of 0.1 mm; nothing is said of the others."""
    window = window_of(keyframe(1, 1.0), keyframe(2, 1.0), keyframe(3, 1.0))
    prior = window.gauge_without(leaves)
    stay = [k for i, k in enumerate(window.keyframes) if i != leaves]
    step = torch.tensor([1e-4, 0, 0, 0, 0, 0], dtype=torch.float64)
    for moved in stay:
        T = torch.stack([se3.exp(step) @ k.T if k is moved else k.T for k in stay])
        energy = float(prior.at(T, torch.stack([k.affine for k in stay]))[2])
        assert energy == pytest.approx(0.5 if moved.id == held else 0.0, abs=1e-6)
