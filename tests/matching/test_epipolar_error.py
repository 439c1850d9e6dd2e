"""Sampson distances against the distances that they approximate."""

from __future__ import annotations

import torch

from denseba_ros.benchmark.solvers.minimal_problems import five_point_problems
from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.solvers.five_point import homogeneous


def test_zero_on_exact_matches_and_first_order_elsewhere() -> None:
    problems = five_point_problems(100)
    first, second = (homogeneous(x) for x in problems.data)
    E = problems.truth
    assert float(sampson_squared(E, first, second).max()) < 1e-24
    line = first @ E.mT
    normal = line[..., :2] / torch.linalg.vector_norm(line[..., :2], dim=-1, keepdim=True)
    off = second.clone()
    off[..., :2] += 1e-4 * normal
    distance = sampson_squared(E, first, off).sqrt()
    # The shift is shared between both images, so the distance is at most the shift.
    assert float(distance.max()) < 1.01e-4
    assert float(distance.min()) > 0.2e-4


def test_the_scale_of_the_matrix_does_not_matter() -> None:
    problems = five_point_problems(20)
    first, second = (homogeneous(x) for x in problems.data)
    second = second + 0.01
    one = sampson_squared(problems.truth, first, second)
    torch.testing.assert_close(sampson_squared(-7.0 * problems.truth, first, second), one)
