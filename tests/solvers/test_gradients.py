"""Every solver's gradient against finite differences, and on degenerate samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from denseba_ros.benchmark.solvers.minimal_problems import (
    Problems,
    five_point_problems,
    nearest,
    p3p_problems,
    registration_problems,
)
from denseba_ros.solvers.five_point import five_point
from denseba_ros.solvers.p3p import p3p
from denseba_ros.solvers.registration import register
from denseba_ros.solvers.solutions import Solutions

# A sample counts as well-posed while its solution moves at most this much faster than its data.
_WELL_POSED = 100.0

Solver = Callable[..., Solutions]
Make = Callable[..., Problems]
CASES = [
    pytest.param(register, registration_problems, False, id="registration"),
    pytest.param(p3p, p3p_problems, False, id="p3p"),
    pytest.param(five_point, five_point_problems, True, id="five_point"),
]


def per_sample(x: Tensor) -> Tensor:
    """Sum of everything but the first axis."""
    return x.flatten(1).sum(1)


def sensitivity(solved: Tensor, data: list[Tensor]) -> Tensor:
    """(B,) Frobenius norm of the Jacobian of the solution by all of its data."""
    total = torch.zeros(len(solved), dtype=torch.float64)
    for entry in solved.flatten(1).T:
        for g in torch.autograd.grad(entry.sum(), data, retain_graph=True):
            total = total + per_sample(g**2)
    return total.sqrt()


@pytest.mark.parametrize(("solver", "make", "either_sign"), CASES)
@pytest.mark.slow
def test_1000_samples_agree_with_central_differences(
    solver: Solver, make: Make, either_sign: bool
) -> None:
    problems = make(3000)
    data = [d.requires_grad_() for d in problems.data]
    solved, _ = nearest(solver(*data), problems.truth, either_sign)
    weight = torch.randn_like(solved)
    gradients = torch.autograd.grad((solved * weight).sum(), data, retain_graph=True)
    size = sensitivity(solved, data)
    chosen = (size < _WELL_POSED).nonzero()[:1000, 0]
    assert len(chosen) == 1000
    start, weight, size = solved[chosen].detach(), weight[chosen], size[chosen]
    at = [d[chosen].detach() for d in data]
    direction = [torch.randn_like(d) for d in at]
    h = 1e-5 / (1 + size)

    def value(sign: float) -> Tensor:
        steps = [
            d + sign * h.reshape(-1, *[1] * (d.dim() - 1)) * e
            for d, e in zip(at, direction, strict=True)
        ]
        return per_sample(nearest(solver(*steps), start, either_sign)[0] * weight)

    numeric = (value(1.0) - value(-1.0)) / (2 * h)
    analytic = sum(
        (per_sample(g[chosen] * e) for g, e in zip(gradients, direction, strict=True)),
        torch.zeros(1000, dtype=torch.float64),
    )
    error = (numeric - analytic).abs() / (1 + analytic.abs())
    assert float(error.max()) < 1e-5


def spoil(problems: Problems) -> Problems:
    """Half of the samples made degenerate in five ways, a tenth of all samples each."""
    data = [d.clone() for d in problems.data]
    tenth = len(data[0]) // 10
    for d in data:
        d[:tenth, 1] = d[:tenth, 0]  # a point twice
        d[tenth : 2 * tenth] = 0.0
        line = torch.linspace(0, 1, d.shape[1], dtype=d.dtype)
        if d.dim() == 3:  # points on a line, in every image
            first, second = d[2 * tenth : 3 * tenth, :1], d[2 * tenth : 3 * tenth, 1:2]
            d[2 * tenth : 3 * tenth] = first + line[:, None] * (second - first)
        d[3 * tenth : 4 * tenth, 2:] *= 1e12  # out of all proportion
    data[1][4 * tenth : 5 * tenth] = data[0][4 * tenth : 5 * tenth]  # no motion at all
    return Problems(tuple(data), problems.truth)


@pytest.mark.parametrize(("solver", "make", "either_sign"), CASES)
def test_10000_samples_with_degenerate_ones_give_no_nan(
    solver: Solver, make: Make, either_sign: bool
) -> None:
    problems = spoil(make(10_000))
    data = [d.requires_grad_() for d in problems.data]
    solutions = solver(*data)
    assert bool(torch.isfinite(solutions.values).all())
    gradients = torch.autograd.grad(solutions.values.square().sum() + solutions.values.sum(), data)
    assert all(bool(torch.isfinite(g).all()) for g in gradients)
    assert any(float(g[5000:].abs().max()) > 0 for g in gradients)


@pytest.mark.parametrize(("solver", "make", "either_sign"), CASES)
def test_a_sample_that_is_not_a_number_has_no_solution(
    solver: Solver, make: Make, either_sign: bool
) -> None:
    problems = make(4)
    problems.data[0][1, 0, 0] = torch.nan
    solutions = solver(*problems.data)
    assert not bool(solutions.ok[1].any())
    assert bool(solutions.ok[[0, 2, 3]].any(1).all())
    assert bool(torch.isfinite(solutions.values).all())
