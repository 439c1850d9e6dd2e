"""What no image shows is taken out of a step, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.solver.gauge import gauge_directions, project_out_gauge
from denseba_ros.geometry import se3

pytestmark = pytest.mark.slow

_K = 5


@pytest.fixture
def held(room_window: Any) -> tuple[Problem, Variables]:
    """Five frames on a bent path, of which the prior holds four."""
    problem, variables = room_window.start(0.0, 0.0, 0.0, 0)
    generator = torch.Generator().manual_seed(4)
    steps = 0.3 * torch.randn(_K, 6, generator=generator, dtype=torch.float64)
    T = se3.exp(steps + torch.tensor([0.5, 0, 2.0, 0, 0, 0]) * torch.arange(_K)[:, None])
    uses_first_estimate = torch.tensor([True, True, True, True, False])
    grids = {
        name: getattr(problem, name)[:1].expand(_K, -1)
        for name in ("valid", "prior_depth", "prior_information")
    }
    depth = variables.inverse_depth[:1].expand(_K, -1)
    problem = replace(problem, uses_first_estimate=uses_first_estimate, **grids)
    return problem, Variables(T, torch.zeros(_K, 2, dtype=torch.float64), depth)


def _step(
    variables: Variables, uses_first_estimate: Tensor, amounts: Tensor
) -> tuple[Tensor, Tensor]:
    """All frames and depths when the world makes the seven small motions ``amounts`` (7,)."""
    directions, _ = gauge_directions(variables.T, uses_first_estimate.double())
    frames = torch.zeros(_K, 8, dtype=torch.float64)
    frames[:, :6] = directions @ amounts
    return frames, (-amounts[6] * variables.inverse_depth).float()


def test_the_directions_leave_every_relative_pose_as_it_is(
    held: tuple[Problem, Variables],
) -> None:
    problem, variables = held
    for k in range(7):
        amounts = torch.zeros(7, dtype=torch.float64)
        amounts[k] = 1e-6
        frames, _ = _step(variables, problem.uses_first_estimate, amounts)
        T = se3.exp(frames[:, :6]) @ variables.T
        for i in range(_K):
            before = variables.T @ se3.inverse(variables.T[i])
            if k == 6:
                before[:, :3, 3] *= 1.0 + amounts[6]
            torch.testing.assert_close(T @ se3.inverse(T[i]), before, atol=1e-10, rtol=0.0)
        assert float((T - variables.T).abs().max()) > 1e-7


def test_a_similarity_is_taken_out_whole(held: tuple[Problem, Variables]) -> None:
    problem, variables = held
    amounts = torch.tensor([0.01, -0.02, 0.03, 0.002, 0.004, -0.003, 0.02], dtype=torch.float64)
    frames, depths = project_out_gauge(
        problem, variables, *_step(variables, problem.uses_first_estimate, amounts)
    )
    assert float(frames.abs().max()) < 1e-8
    assert float((depths / variables.inverse_depth).abs().max()) < 1e-6


def test_what_the_newest_frame_does_stays(held: tuple[Problem, Variables]) -> None:
    problem, variables = held
    frames = torch.zeros(_K, 8, dtype=torch.float64)
    frames[-1] = torch.arange(1.0, 9.0)
    depths = torch.full_like(variables.inverse_depth, 0.01)
    rest, rest_depths = project_out_gauge(problem, variables, frames, depths)
    torch.testing.assert_close(rest, frames)
    torch.testing.assert_close(rest_depths, depths)


def test_brightness_is_not_touched(held: tuple[Problem, Variables]) -> None:
    problem, variables = held
    generator = torch.Generator().manual_seed(1)
    frames = torch.randn(_K, 8, generator=generator, dtype=torch.float64)
    rest, _ = project_out_gauge(
        problem, variables, frames, torch.zeros_like(variables.inverse_depth)
    )
    assert torch.equal(rest[:, 6:], frames[:, 6:])
    assert not torch.equal(rest[:, :6], frames[:, :6])


def test_a_sharp_prior_of_the_depths_keeps_the_scale(held: tuple[Problem, Variables]) -> None:
    problem, variables = held
    sharp = replace(problem, prior_information=(0.1 * problem.prior_depth) ** -2)
    amounts = torch.tensor([0.0, 0, 0, 0, 0, 0, 0.02], dtype=torch.float64)
    step = _step(variables, problem.uses_first_estimate, amounts)
    frames, depths = project_out_gauge(sharp, variables, *step)
    torch.testing.assert_close(frames, step[0], atol=1e-8, rtol=0.0)
    torch.testing.assert_close(depths, step[1])


def test_two_held_frames_are_too_few(held: tuple[Problem, Variables]) -> None:
    problem, variables = held
    few = replace(problem, uses_first_estimate=torch.tensor([True, True, False, False, False]))
    step = _step(
        variables, problem.uses_first_estimate, torch.full((7,), 0.01, dtype=torch.float64)
    )
    frames, depths = project_out_gauge(few, variables, *step)
    assert torch.equal(frames, step[0])
    assert torch.equal(depths, step[1])


def test_noise_of_the_positions_turns_no_window_that_turns_on_the_spot(
    held: tuple[Problem, Variables],
) -> None:
    """Positions differ and step by a ten-thousandth: no rotation of the world is in that."""
    problem, variables = held
    generator = torch.Generator().manual_seed(1)
    noise = 1e-4 * torch.randn(2, _K, 3, generator=generator, dtype=torch.float64)
    T = variables.T.clone()
    T[:, :3, 3] = noise[0]
    frames = torch.zeros(_K, 8, dtype=torch.float64)
    frames[:, :3] = noise[1]
    on_the_spot = Variables(T, variables.affine, variables.inverse_depth)
    projected, _ = project_out_gauge(
        problem, on_the_spot, frames, torch.zeros_like(variables.inverse_depth)
    )
    assert float(projected[:, 3:6].abs().max()) < 1e-3
