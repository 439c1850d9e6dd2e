"""The weighted essential matrix and its gradient by the weights."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.benchmark.solvers.minimal_problems import (
    essential,
    moved,
    random_motions,
    seen_points,
)
from denseba_ros.matching.weighted_refinement import weighted_essential
from denseba_ros.solvers.five_point import homogeneous


def noisy_views(count: int, points: int) -> tuple[Tensor, Tensor, Tensor]:
    """Homogeneous matches with noise, and the true E."""
    generator = torch.Generator().manual_seed(0)
    T = random_motions(generator, count, 0.2)
    X = seen_points(generator, count, points)
    Y = moved(T, X)
    noise = 1e-3 * torch.randn(count, points, 2, dtype=torch.float64, generator=generator)
    first, second = X[..., :2] / X[..., 2:], Y[..., :2] / Y[..., 2:] + noise
    return homogeneous(first), homogeneous(second), essential(T)


def test_noise_moves_the_solution_a_little() -> None:
    first, second, truth = noisy_views(50, 60)
    E = weighted_essential(first, second, torch.ones(50, 60), truth)
    distance = torch.linalg.matrix_norm(E - truth)
    assert float(distance.min()) > 0
    assert float(distance.median()) < 0.01


def test_gradient_agrees_with_central_differences() -> None:
    first, second, truth = noisy_views(50, 30)
    generator = torch.Generator().manual_seed(1)
    weights = 0.5 + torch.rand(50, 30, dtype=torch.float64, generator=generator)
    readout = torch.randn(50, 3, 3, dtype=torch.float64, generator=generator)
    direction = torch.randn(50, 30, dtype=torch.float64, generator=generator)
    leaf = weights.clone().requires_grad_()
    solved = weighted_essential(first, second, leaf, truth)
    (gradient,) = torch.autograd.grad((solved * readout).sum(), leaf)

    def value(step: float) -> Tensor:
        E = weighted_essential(first, second, weights + step * direction, truth)
        return (E * readout).sum((-1, -2))

    numeric = (value(1e-4) - value(-1e-4)) / 2e-4
    analytic = (gradient * direction).sum(-1)
    torch.testing.assert_close(analytic, numeric, rtol=1e-4, atol=1e-8)


def test_descent_takes_the_weight_off_an_outlier() -> None:
    first, second, truth = noisy_views(1, 40)
    second = second.clone()
    second[:, 0, :2] += 0.05
    logits = torch.zeros(1, 40, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=1.0)
    for _ in range(10):
        E = weighted_essential(first, second, torch.sigmoid(logits), truth)
        optimiser.zero_grad()
        (E - truth).square().sum().backward()
        optimiser.step()
    weights = torch.sigmoid(logits.detach())[0]
    assert float(weights[0]) < 0.05
    assert float(weights[1:].median()) > 0.3
