"""The Schur complement is the dense solution of the whole system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros import parallel
from denseba_ros.backend.problem import FRAME_DOF
from denseba_ros.backend.solver import schur
from denseba_ros.backend.solver.schur import reduce, solve

_FRAMES = 3 * FRAME_DOF


def test_step_is_the_dense_solution(algebra: Any, cloud_window: Any) -> None:
    system = cloud_window.linearise()
    H, b = algebra.dense(system)
    expected = -torch.linalg.solve(H, b)
    step = solve(system, 0.0)
    assert bool(step.ok)
    np.testing.assert_allclose(step.frames.reshape(-1), expected[:_FRAMES], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(step.depths.reshape(-1), expected[_FRAMES:], rtol=1e-5, atol=1e-8)


def test_reduced_system_is_the_dense_complement(algebra: Any, ramp_window: Any) -> None:
    system = ramp_window.linearise()
    H, b = algebra.dense(system)
    A, B, C = H[:_FRAMES, :_FRAMES], H[:_FRAMES, _FRAMES:], H[_FRAMES:, _FRAMES:]
    gain = B @ torch.linalg.inv(C)
    reduced, gradient = reduce(system, 0.0)
    np.testing.assert_allclose(reduced, A - gain @ B.T, atol=1e-9 * float(A.abs().max()))
    np.testing.assert_allclose(gradient, b[:_FRAMES] - gain @ b[_FRAMES:], rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(reduced, reduced.T)
    assert float(torch.linalg.eigvalsh(reduced)[0]) > 0.0


@pytest.mark.parametrize("threads", [1, 3])
def test_the_compiled_loop_eliminates_as_torch_does(
    cloud_window: Any, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    """The way of a GPU, on a CPU; a last block that is not full, and points without information."""
    monkeypatch.setattr(schur, "_ROWS", 33)
    monkeypatch.setattr(parallel._Threads, "count", threads)
    system = cloud_window.linearise()
    information = system.H_depth.flatten().clone()
    information[::7] = 0.0
    mixed, gradient = system.H_mixed.flatten(0, 1).float(), system.b_depth.flatten().float()
    points = (mixed, information.float(), gradient)
    assert len(mixed) % 33 % 4 != 0
    H, b = schur._eliminate_at_once(system.H, system.b, *points, 1e-4)
    found_H, found_b = schur._eliminate_on_cpu(system.H, system.b, *points, 1e-4)
    np.testing.assert_allclose(found_H, H, atol=1e-12 * float(H.abs().max()))
    np.testing.assert_allclose(found_b, b, atol=1e-12 * float(b.abs().max()))


def test_damping_shortens_the_step(cloud_window: Any) -> None:
    system = cloud_window.linearise()
    lengths = [float(solve(system, damping).depths.norm()) for damping in (0.0, 0.1, 1.0, 10.0)]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("broken", ["indefinite", "nan"])
def test_singular_system_gives_no_step(cloud_window: Any, broken: str) -> None:
    system = cloud_window.linearise()
    H = system.H.clone()
    H[9, 9] = float("nan") if broken == "nan" else -1.0
    step = solve(replace(system, H=H), 1e-4)
    assert not bool(step.ok)
    assert not step.frames.any()
    assert not step.depths.any()


def test_a_free_gauge_gives_no_step_without_damping(algebra: Any) -> None:
    """No prior on the frames: the reduced system is singular to rounding."""
    window = algebra.window(algebra.ramps)
    prior = window.problem.pose_prior
    free = replace(prior, H=torch.zeros_like(prior.H), b=torch.zeros_like(prior.b))
    system = replace(window, problem=replace(window.problem, pose_prior=free)).linearise()
    # One brightness and six motions of the whole window, less what rounding adds.
    assert int((torch.linalg.eigvalsh(reduce(system, 0.0)[0]) < 1e-3).sum()) >= 6
    lowered = replace(system, H=system.H - 1e-6 * torch.diag(system.H.diagonal()))
    assert not bool(solve(lowered, 0.0).ok)


def test_points_without_information_stay(cloud_window: Any) -> None:
    problem = cloud_window.problem
    valid = problem.valid.clone()
    valid[0, 5] = False
    no_prior = problem.prior_information.clone()
    no_prior[0, 5] = 0.0
    observed = problem.observed_ok.clone()
    window = replace(
        cloud_window,
        problem=replace(problem, valid=valid, prior_information=no_prior, observed_ok=observed),
    )
    step = solve(window.linearise(), 1e-4)
    assert bool(step.ok)
    assert float(step.depths[0, 5]) == 0.0


def test_reduced_hessian_is_the_inverse_of_the_frames_covariance(
    algebra: Any, ramp_window: Any
) -> None:
    system = ramp_window.linearise()
    H, _ = algebra.dense(system)
    expected = torch.linalg.inv(H)[:_FRAMES, :_FRAMES]
    actual = torch.linalg.inv(reduce(system, 0.0)[0])
    size = expected.diagonal().sqrt()
    np.testing.assert_allclose(
        (actual - expected) / size[:, None] / size[None], torch.zeros_like(H[:24, :24]), atol=1e-6
    )
