"""Observed corners: residual, weights and information."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.backend.photometric import relative_poses
from denseba_ros.backend.problem import Noise
from denseba_ros.backend.reprojection import corner_information, corner_residual, corner_weights

_NOISE = Noise(pixel=0.5, huber=1.345, pixel_cutoff=6.0)


def _points_in(window: Any, host: int, target: int) -> torch.Tensor:
    """Places (F, 2) of the host's corners in the target, by plain matrices."""
    problem, variables = window.problem, window.variables
    f = problem.observed.shape[2]
    T = relative_poses(variables.T, problem.hosts)[host, target]
    rays = problem.camera.rays(problem.pixels[host, :f])
    X = (T[:3, :3] @ (rays / variables.inverse_depth[host, :f, None]).T).T + T[:3, 3]
    c = problem.camera
    return torch.stack([c.fx * X[:, 0] / X[:, 2] + c.cx, c.fy * X[:, 1] / X[:, 2] + c.cy], -1)


def test_residual_is_projected_minus_observed(ramp_window: Any) -> None:
    residual, ok = corner_residual(ramp_window.problem, ramp_window.variables)
    expected = _points_in(ramp_window, 0, 2) - ramp_window.problem.observed[0, 2]
    np.testing.assert_allclose(residual[0, 2], expected, atol=1e-9)
    assert ok[0, 2].all()
    assert not ok[0, 0].any()


def test_what_was_not_found_or_is_no_point_does_not_count(ramp_window: Any) -> None:
    problem = ramp_window.problem
    observed_ok, valid = problem.observed_ok.clone(), problem.valid.clone()
    observed_ok[0, 1, 2] = False
    valid[2, 0] = False
    lost = replace(problem, observed_ok=observed_ok, valid=valid)
    _, ok = corner_residual(lost, ramp_window.variables)
    assert ok[0, 1].tolist() == [True, True, False, True]
    assert ok[2, 0].tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("deviations", "weight", "cost"),
    [
        (0.0, 1.0, 0.0),
        (1.0, 1.0, 0.5),
        (2.69, 0.5, 1.345 * (2.69 - 0.6725)),
        (5.9, 1.345 / 5.9, 1.345 * (5.9 - 0.6725)),
        (7.0, 0.0, 1.345 * (6.0 - 0.6725)),
        (700.0, 0.0, 1.345 * (6.0 - 0.6725)),
    ],
)
def test_weight_and_cost(ramp_window: Any, deviations: float, weight: float, cost: float) -> None:
    problem = replace(ramp_window.problem, noise=_NOISE)
    residual = torch.zeros_like(problem.observed)
    residual[..., 1] = deviations * _NOISE.pixel
    ok = torch.ones_like(problem.observed_ok)
    ok[0, 1, 0] = False
    weights, costs = corner_weights(problem, residual, ok)
    np.testing.assert_allclose(weights[0, 2] * _NOISE.pixel**2, weight, rtol=1e-9)
    np.testing.assert_allclose(costs[0, 2], cost, rtol=1e-9)
    assert (float(weights[0, 1, 0]), float(costs[0, 1, 0])) == (0.0, 0.0)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_information_is_in_pixels_of_the_level(ramp_window: Any, level: int) -> None:
    """One working pixel is 2^-level pixels there, so information grows by 4 per level."""
    problem = ramp_window.problem
    M, q = corner_information(problem, ramp_window.variables, level)
    residual, _ = corner_residual(problem, ramp_window.variables)
    scale = 2.0**level
    expected = torch.eye(2).double() * scale**2 / problem.noise.pixel**2
    np.testing.assert_allclose(M[0, 1], expected.expand(4, 2, 2), rtol=1e-12)
    np.testing.assert_allclose(q[0, 1], residual[0, 1] * scale / problem.noise.pixel**2, rtol=1e-9)
