"""Essential matrices from five points."""

from __future__ import annotations

import torch

from denseba_ros.benchmark.solvers.minimal_problems import five_point_problems, nearest
from denseba_ros.solvers.essential_manifold import essential_tangent
from denseba_ros.solvers.five_point import five_point, homogeneous


def test_the_true_matrix_is_among_the_solutions() -> None:
    problems = five_point_problems(5000)
    _, distance = nearest(five_point(*problems.data), problems.truth, either_sign=True)
    assert float((distance < 1e-6).double().mean()) > 0.998
    assert float(distance.median()) < 1e-13


def test_every_solution_is_an_essential_matrix_that_fits_the_points() -> None:
    a, b = five_point_problems(1000).data
    values, ok = five_point(a, b)
    assert 4.0 < float(ok.sum(1).double().mean()) < 6.0
    E = values[ok]
    sample = ok.nonzero()[:, 0]
    residual = (homogeneous(b)[sample] @ E * homogeneous(a)[sample]).sum(-1)
    assert float(residual.abs().max()) < 1e-9
    singular = torch.linalg.svdvals(E)
    expected = torch.tensor([0.5**0.5, 0.5**0.5, 0.0], dtype=torch.float64).expand_as(singular)
    torch.testing.assert_close(singular, expected, rtol=0, atol=1e-6)


def test_single_precision_is_solved_in_double() -> None:
    a, b = five_point_problems(10).data
    values, _ = five_point(a.float(), b.float())
    assert values.dtype == torch.float64


def test_tangent_directions_stay_on_the_manifold() -> None:
    """Singular values change only in second order, and the five directions are independent."""
    E = five_point_problems(200).truth
    directions = essential_tangent(E)
    moved = torch.linalg.svdvals(E[:, None] + 1e-5 * directions)
    assert float((moved - torch.linalg.svdvals(E)[:, None]).abs().max()) < 1e-9
    assert float(torch.linalg.svdvals(directions.flatten(2))[:, -1].min()) > 0.1
