"""Photometric residuals: brightness model, robust weights, borders and visibility."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference, patch_residual, relative_poses
from denseba_ros.backend.problem import Noise, Variables
from denseba_ros.backend.solver.energy import energy
from denseba_ros.geometry import se3
from denseba_ros.geometry.patch import PATTERN

_HOST, _TARGET = 0, 1


def _flat(window: Any, grey: float = 100.0) -> Any:
    """The window with images of one brightness everywhere."""
    images = {level: 0 * image for level, image in window.problem.images.items()}
    for image in images.values():
        image[:, 0] = grey
    return replace(window, problem=replace(window.problem, images=images, noise=Noise()))


def _residual(window: Any, level: int = 0) -> Any:
    return patch_residual(
        window.problem, patch_reference(window.problem, level), window.variables, level
    )


def test_relative_poses_are_host_to_target(ramp_window: Any) -> None:
    T = ramp_window.variables.T
    pairs = relative_poses(T, torch.tensor([0, 2]))
    assert pairs.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(pairs[0, 2] @ T[0], T[2], atol=1e-12)
    np.testing.assert_allclose(pairs[1, 1] @ T[2], T[1], atol=1e-12)


def test_pattern_is_eight_pixels_with_the_centre() -> None:
    assert PATTERN.count((0, 0)) == 1
    assert len(set(PATTERN)) == 8
    assert np.abs(PATTERN).max() == 2


def test_residual_is_zero_for_the_brightness_model(ramp_window: Any) -> None:
    """Images exp(a) * scene + b of one flat scene agree, whatever a and b are."""
    window = _flat(ramp_window)
    a, b = window.variables.affine.T
    for image in window.problem.images.values():
        image[:, 0] = (a.exp() * 80.0 + b)[:, None, None]
    value = _residual(window).value
    assert float(value.abs().max()) < 1e-10
    shift = torch.tensor([[0.0, 3.0], [0.0, 0.0], [0.0, 0.0]])
    wrong = replace(window.variables, affine=window.variables.affine + shift)
    off = _residual(replace(window, variables=wrong)).value
    # The host's offset is scaled by the gain between the two.
    np.testing.assert_allclose(off[0, 1], (3.0 * (a[1] - a[0]).exp()).expand_as(off[0, 1]))
    np.testing.assert_allclose(off[1, 0], torch.full_like(off[1, 0], -3.0))


def test_residual_is_brightness_where_the_point_projects(ramp_window: Any) -> None:
    """A shift along x of the same ramp changes the brightness by slope times shift."""
    problem = ramp_window.problem
    x = problem.camera.grid(torch.device("cpu"))[..., 0].double()
    image = torch.stack([2.0 * x, torch.full_like(x, 2.0), torch.zeros_like(x)])
    T = torch.eye(4).double().repeat(3, 1, 1)
    T[1, 0, 3] = 0.05
    d = torch.full_like(ramp_window.variables.inverse_depth, 0.5)
    variables = Variables(T, torch.zeros(3, 2).double(), d)
    moved = replace(
        ramp_window,
        problem=replace(problem, images={0: image.repeat(3, 1, 1, 1)}),
        variables=variables,
    )
    residual = _residual(moved)
    shift = problem.camera.fx * 0.05 * 0.5
    np.testing.assert_allclose(residual.value[0, 1], 2.0 * shift, rtol=1e-9)
    np.testing.assert_allclose(residual.value[1, 0], -2.0 * shift, rtol=1e-9)
    np.testing.assert_allclose(residual.value[0, 2], 0.0, atol=1e-9)
    np.testing.assert_allclose(residual.gradient[0, 1, ..., 0], 2.0, rtol=1e-9)


def test_a_frame_has_no_residual_with_itself(ramp_window: Any) -> None:
    counts = _residual(ramp_window).counts
    assert not counts[torch.eye(3, dtype=torch.bool)].any()
    assert counts[_HOST, _TARGET].any()


def test_strong_gradients_weigh_less(ramp_window: Any) -> None:
    problem = ramp_window.problem
    images = problem.images[0].clone()
    images[:, 1], images[:, 2] = 30.0, 40.0
    reference = patch_reference(replace(problem, images={0: images}, noise=Noise(gradient=50.0)), 0)
    np.testing.assert_allclose(reference.weight, 0.5)


def test_points_that_leave_the_image_do_not_count(ramp_window: Any) -> None:
    window = _flat(ramp_window)
    T = window.variables.T.clone()
    T[_TARGET] = se3.exp(torch.tensor([0, 0, 0, 0, 0.6, 0]).double()) @ T[_HOST]
    counts = _residual(replace(window, variables=replace(window.variables, T=T))).counts
    assert not counts[_HOST, _TARGET].all()
    turned = T.clone()
    turned[_TARGET] = se3.exp(torch.tensor([0, 0, 0, 0, 3.1, 0]).double()) @ T[_HOST]
    counts = _residual(replace(window, variables=replace(window.variables, T=turned))).counts
    assert not counts[_HOST, _TARGET].any()


def test_a_patch_at_the_border_of_its_own_image_is_not_used(ramp_window: Any) -> None:
    problem = ramp_window.problem
    pixels = problem.pixels.clone()
    pixels[0, 0] = torch.tensor([2.5, 30.0])
    pixels[0, 1] = torch.tensor([3.5, 30.0])
    usable = patch_reference(replace(problem, pixels=pixels), 0).usable
    assert usable[0, :2].tolist() == [False, True]


@pytest.mark.parametrize(
    ("ratio", "deviation", "hidden"),
    [(1.5, 0.05, True), (1.5, 0.5, False), (1.05, 0.05, False), (0.5, 0.05, False)],
)
def test_a_surface_in_front_switches_residuals_off(
    ramp_window: Any, ratio: float, deviation: float, hidden: bool
) -> None:
    """Only where the target's surface is nearer by more than 15 % and well known itself."""
    window = _flat(ramp_window)
    d = torch.full_like(window.variables.inverse_depth, 0.5)
    T = torch.eye(4).double().repeat(3, 1, 1)
    variables = replace(window.variables, T=T, inverse_depth=d, affine=torch.zeros(3, 2).double())
    inverse_depth_map = torch.full_like(window.problem.inverse_depth_map, 0.01)
    inverse_depth_map[_TARGET, 0], inverse_depth_map[_TARGET, 1] = 0.5 * ratio, deviation
    problem = replace(window.problem, inverse_depth_map=inverse_depth_map)
    counts = _residual(replace(window, problem=problem, variables=variables)).counts
    assert bool(counts[_HOST, _TARGET].any()) is not hidden
    assert counts[_HOST, 2].all()


def test_half_the_view_is_hidden_where_the_box_is(ramp_window: Any) -> None:
    window = _flat(ramp_window)
    T = torch.eye(4).double().repeat(3, 1, 1)
    d = torch.full_like(window.variables.inverse_depth, 0.5)
    inverse_depth_map = torch.full_like(window.problem.inverse_depth_map, 0.05)
    inverse_depth_map[_TARGET, 0, :, :12] = 1.0
    problem = replace(window.problem, inverse_depth_map=inverse_depth_map)
    variables = replace(window.variables, T=T, inverse_depth=d, affine=torch.zeros(3, 2).double())
    counts = _residual(replace(window, problem=problem, variables=variables)).counts
    x = problem.pixels[_HOST, :, 0]
    away = (x - 47.5).abs() > 4.0
    np.testing.assert_array_equal(counts[_HOST, _TARGET][away], (x > 47.5)[away])


def test_an_outlier_patch_loses_its_vote(ramp_window: Any) -> None:
    window = _flat(ramp_window)
    noise = window.problem.noise
    variables = replace(window.variables, affine=torch.zeros(3, 2).double())
    window = replace(window, variables=variables)
    for off, counts in ((0.0, True), (2.0, True), (2.9, True), (3.1, False), (20.0, False)):
        window.problem.images[0][_TARGET, 0] = 100.0 + off * noise.intensity
        residual = _residual(window)
        assert bool(residual.counts[_HOST, _TARGET].all()) is counts
        assert bool((residual.weight[_HOST, _TARGET] > 0).all()) is counts


def test_weights_fall_as_huber_says(ramp_window: Any) -> None:
    window = _flat(ramp_window)
    noise = window.problem.noise
    variables = replace(window.variables, affine=torch.zeros(3, 2).double())
    window = replace(window, variables=variables)
    for off, expected in ((0.5, 1.0), (1.0, 1.0), (2.69, 0.5)):
        window.problem.images[0][_TARGET, 0] = 100.0 + off * noise.intensity
        weight = _residual(window).weight[_HOST, _TARGET] * noise.intensity**2
        np.testing.assert_allclose(weight, expected, rtol=1e-6)


def test_energy_never_exceeds_the_cap(ramp_window: Any) -> None:
    """A patch that fits nowhere costs no more than one at the cut-off, and none costs less."""
    window = _flat(ramp_window)
    variables = replace(window.variables, affine=torch.zeros(3, 2).double())
    window = replace(window, variables=variables)
    noise = window.problem.noise
    cap = len(PATTERN) * noise.huber * (noise.cutoff - 0.5 * noise.huber)
    values = []
    for off in (0.0, 1.0, 2.0, 4.0, 40.0):
        window.problem.images[0][_TARGET, 0] = 100.0 + off * noise.intensity
        values.append(float(_residual(window).energy[_HOST, _TARGET, 0]))
    assert values == sorted(values)
    np.testing.assert_allclose(values[-2:], cap, rtol=1e-9)


def test_a_patch_that_leaves_the_image_costs_what_it_did(ramp_window: Any) -> None:
    """Nothing is known of it any more: turning the cameras away must not pay, nor cost."""
    window = _flat(ramp_window)
    variables = replace(window.variables, affine=torch.zeros(3, 2).double())
    problem = replace(window.problem, observed_ok=torch.zeros_like(window.problem.observed_ok))
    reference = patch_reference(problem, 0)
    residual = patch_residual(problem, reference, variables, 0)
    costs = torch.where(residual.counts, residual.energy + 1.0, -1.0)
    before = energy(problem, reference, variables, 0, costs, TORCH_KERNEL)
    T = variables.T.clone()
    T[_TARGET] = se3.exp(torch.tensor([0, 0, 0, 0, 3.0, 0]).double()) @ T[_TARGET]
    turned = replace(variables, T=T)
    prior = problem.pose_prior
    pose = prior.at(T, variables.affine)[2] - prior.at(variables.T, variables.affine)[2]
    after = energy(problem, reference, turned, 0, costs, TORCH_KERNEL) - pose
    lost = int((costs[:, _TARGET] >= 0).sum() + (costs[_TARGET] >= 0).sum())
    assert lost > 0
    np.testing.assert_allclose(after - before, lost * 1.0, rtol=1e-6)
