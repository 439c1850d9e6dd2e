"""Where the optimum of a window moves: the implicit gradient against the traced iterations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from denseba_ros.backend import differentiable_bundle_adjustment
from denseba_ros.backend.differentiable import differentiable_optimum
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Noise, Problem, Variables
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.backend.solver.schur import solve

_LEVEL = 0
_ITERATIONS = 25


def unrolled(problem: Problem, variables: Variables, iterations: int) -> Variables:
    """Gauss-Newton to the end with every operation recorded."""
    reference = patch_reference(problem, _LEVEL)
    for _ in range(iterations):
        system = linearise(problem, reference, variables, _LEVEL, TORCH_KERNEL)
        step = solve(system, 0.0)
        variables = variables.retracted(step.frames, step.depths)
    return variables


def make_window(algebra: Any) -> tuple[Problem, Variables]:
    """A window of 60 unknowns on which Gauss-Newton converges: noise and prior hold it."""
    noise = Noise(intensity=40.0, huber=1e6, cutoff=1e7, pixel_cutoff=1e7)
    window = algebra.window(algebra.clouds, points=12, noise=noise)
    prior = torch.full_like(window.problem.prior_depth, 5e3)
    return replace(window.problem, prior_information=prior), window.variables


def with_gradients(problem: Problem) -> tuple[Problem, tuple[Tensor, Tensor, Tensor]]:
    """The same problem, with leaves for its depth prior, information and image."""
    prior = problem.prior_depth.clone().requires_grad_()
    information = problem.prior_information.clone().requires_grad_()
    image = problem.images[_LEVEL].clone().requires_grad_()
    changed = replace(
        problem,
        prior_depth=prior,
        prior_information=information,
        images={**problem.images, _LEVEL: image},
    )
    return changed, (prior, information, image)


def readout(variables: Variables, seed: int) -> Tensor:
    """Some scalar of all the unknowns."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros((), dtype=torch.float64)
    for x in (variables.T[:, :3], variables.affine, variables.inverse_depth):
        weight = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        total = total + (weight * x).sum()
    return total


def test_agrees_with_autograd_through_the_iterations(algebra: Any) -> None:
    plain, initial = make_window(algebra)
    problem, leaves = with_gradients(plain)
    expected = torch.autograd.grad(readout(unrolled(problem, initial, _ITERATIONS), 1), leaves)
    optimum = unrolled(plain, initial, _ITERATIONS)
    implicit = differentiable_optimum(problem, optimum, _LEVEL)
    torch.testing.assert_close(implicit.T, optimum.T)
    found = torch.autograd.grad(readout(implicit, 1), leaves)
    for one, other in zip(found, expected, strict=True):
        scale = float(other.abs().max())
        assert scale > 0
        torch.testing.assert_close(one / scale, other / scale, rtol=0, atol=1e-6)


def test_the_two_iterations_of_the_system_stand_still_at_the_optimum(algebra: Any) -> None:
    problem, initial = make_window(algebra)
    optimum = unrolled(problem, initial, _ITERATIONS)
    after = adjust(problem, optimum, (_LEVEL, _LEVEL), 1e-4).variables
    torch.testing.assert_close(after.inverse_depth, optimum.inverse_depth, rtol=0, atol=1e-9)
    torch.testing.assert_close(after.T, optimum.T, rtol=0, atol=1e-9)


def test_the_gradient_by_the_prior_agrees_with_solving_again(algebra: Any) -> None:
    plain, initial = make_window(algebra)
    problem, (prior, _, _) = with_gradients(plain)
    optimum = unrolled(plain, initial, _ITERATIONS)
    implicit = differentiable_optimum(problem, optimum, _LEVEL)
    (gradient,) = torch.autograd.grad(readout(implicit, 2), prior)
    direction = torch.randn(prior.shape, dtype=torch.float64, generator=torch.Generator())
    values = []
    for sign in (1.0, -1.0):
        changed = replace(plain, prior_depth=plain.prior_depth + sign * 1e-5 * direction)
        values.append(float(readout(unrolled(changed, optimum, _ITERATIONS), 2)))
    numeric = (values[0] - values[1]) / 2e-5
    assert numeric == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


@pytest.mark.slow
def test_depths_are_learnt_from_the_poses_as_a_user_would(algebra: Any) -> None:
    """Gradient descent on the predicted depths by the positions that the adjustment makes."""
    problem, initial = make_window(algebra)
    wanted = differentiable_bundle_adjustment(problem, initial, _LEVEL).T[:, :3, 3]
    predicted = (1.1 * problem.prior_depth).requires_grad_()
    optimiser = torch.optim.Adam([predicted], lr=5e-3)
    losses = []
    for _ in range(12):
        window = replace(problem, prior_depth=predicted)
        optimum = differentiable_bundle_adjustment(window, initial, _LEVEL)
        loss = (optimum.T[:, :3, 3] - wanted).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
