"""The adjustment recovers poses, depth and brightness on the synthetic room.

Starts: poses off by 7 mm and 0.3 degrees, inverse depth off by 9 % in low-frequency blobs, the
brightness change of an automatic exposure unknown. Errors are at the truth's scale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.backend.kernels.interface import NormalEquations
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference, patch_residual, relative_poses
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.geometry.pinhole import project

pytestmark = pytest.mark.slow

_COARSE, _FINE = 2, 1
_DAMPING = 1e-4
_SEEDS = range(4)


@pytest.fixture(params=["room_window", "sweep_window"])
def window(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def _path(window: Any, depth: float, levels: tuple[int, ...]) -> np.ndarray:
    """Mean over the starts of (depth, position, rotation, grey) before and after each level."""
    rows = []
    for seed in _SEEDS:
        problem, variables = window.start(0.007, 0.3, depth, seed)
        errors = [window.errors(variables)]
        for level in levels:
            variables = adjust(problem, variables, (level,), _DAMPING).variables
            errors.append(window.errors(variables))
        rows.append([(e.depth, e.position, e.rotation, e.grey) for e in errors])
    return np.mean(rows, axis=0)


def test_each_of_the_two_iterations_improves_depth_and_poses(window: Any) -> None:
    start, coarse, fine = _path(window, 0.09, (_COARSE, _FINE))
    assert start[0] > 0.07
    assert coarse[0] < 0.65 * start[0]
    assert fine[0] < 0.55 * coarse[0]
    assert fine[0] < 0.025
    for pose in (1, 2):
        assert coarse[pose] < 0.8 * start[pose]
        assert fine[pose] < 0.6 * coarse[pose]


def test_brightness_is_recovered(window: Any) -> None:
    """What a middle grey becomes: off by 20 levels at first, by less than the noise of 2 after."""
    path = _path(window, 0.09, (_COARSE, _FINE))
    assert path[0, 3] > 15.0
    assert path[2, 3] < 1.5


def test_every_start_ends_better(window: Any) -> None:
    for seed in _SEEDS:
        problem, variables = window.start(0.007, 0.3, 0.09, seed)
        before = window.errors(variables)
        result = adjust(problem, variables, (_COARSE, _FINE), _DAMPING)
        after = window.errors(result.variables)
        assert result.accepted.all()
        assert after.depth < 0.35 * before.depth
        assert after.position < 0.65 * before.position
        assert after.rotation < 0.6 * before.rotation


def test_poses_improve_from_exact_depth(window: Any) -> None:
    """... and the depth hardly moves: a patch's noise, not a wrong minimum."""
    path = _path(window, 1e-6, (_COARSE, _FINE))
    assert path[2, 1] < 0.35 * path[0, 1]
    assert path[2, 2] < 0.2 * path[0, 2]
    assert path[2, 0] < 0.008


def test_more_rounds_do_not_diverge(room_window: Any) -> None:
    path = _path(room_window, 0.09, (_COARSE, _FINE) * 4)
    assert path[-1, 0] < 0.015
    assert path[-1, 1] < 0.003


def test_the_room_hides_points_and_they_are_left_out(room_window: Any) -> None:
    """Points that the exact depth of the target says are hidden: hardly one has a vote."""
    problem, _ = room_window.start(0.0, 0.0, 1e-6)
    truth = room_window.truth
    counts = patch_residual(problem, patch_reference(problem, 1), truth, 1).counts
    seen = replace(problem, inverse_depth_map=torch.zeros_like(problem.inverse_depth_map))
    blind = patch_residual(seen, patch_reference(problem, 1), truth, 1).counts
    hidden = _truly_hidden(room_window)
    assert int((hidden & blind).sum()) > 20
    assert int((hidden & counts).sum()) < 0.05 * int((hidden & blind).sum())
    visible = ~hidden & blind
    assert int((visible & counts).sum()) > 0.97 * int(visible.sum())


def _truly_hidden(window: Any) -> torch.Tensor:
    """(K, K, N) points with a surface at least 20 % nearer in front of them in the target, by the
    rendered depth of all nine pixels around the place."""
    problem, truth = window.problem, window.truth
    T = relative_poses(truth.T, problem.hosts).float()[:, :, None]
    rays = problem.camera.rays(problem.pixels)[:, None]
    p = project(problem.camera, rays, truth.inverse_depth[:, None], T[..., :3, :3], T[..., :3, 3])
    hidden = torch.zeros(p.inverse_depth.shape, dtype=torch.bool)
    for j, index in enumerate(window.indices):
        depth = torch.from_numpy(window.sequence.depth(index))
        h, w = depth.shape
        x, y = p.pixels[:, j].round().long().unbind(-1)
        inside = (x > 0) & (x < w - 1) & (y > 0) & (y < h - 1) & p.in_front[:, j]
        x, y = x.clamp(1, w - 2), y.clamp(1, h - 2)
        around = [depth[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        farthest = torch.stack(around).amax(0)
        hidden[:, j] = inside & (farthest * p.inverse_depth[:, j] < 0.8)
        hidden[j, j] = False
    return hidden


def test_adjustment_is_bit_identical_when_repeated(room_window: Any) -> None:
    results = []
    for _ in range(2):
        problem, variables = room_window.start(0.007, 0.3, 0.09)
        results.append(adjust(problem, variables, (_COARSE, _FINE), _DAMPING))
    first, second = (r.variables for r in results)
    assert torch.equal(first.T, second.T)
    assert torch.equal(first.affine, second.affine)
    assert torch.equal(first.inverse_depth, second.inverse_depth)
    assert torch.equal(results[0].energies, results[1].energies)


class _Uphill:
    """The sums of plain torch with their gradients turned round, so that steps climb."""

    energy = staticmethod(TORCH_KERNEL.energy)

    def linearise(self, *arguments: Any) -> NormalEquations:
        right = TORCH_KERNEL.linearise(*arguments)
        return replace(right, b_pair=-right.b_pair, b_depth=-right.b_depth)


def test_a_step_that_raises_the_energy_is_refused(room_window: Any) -> None:
    problem, variables = room_window.start(0.007, 0.3, 0.09)
    result = adjust(problem, variables, (_COARSE, _FINE), _DAMPING, _Uphill())
    assert not result.accepted.any()
    assert result.variables.T.equal(variables.T)
    assert result.variables.affine.equal(variables.affine)
    assert result.variables.inverse_depth.equal(variables.inverse_depth)
    assert result.energies[:, 0].equal(result.energies[:, 1])


def test_a_step_too_far_is_refused(room_window: Any) -> None:
    """From so bad a start that linear steps lead astray: some pay, and one does not."""
    problem, variables = room_window.start(0.2, 8.0, 0.5)
    accepted = []
    for _ in range(4):
        result = adjust(problem, variables, (_FINE,), _DAMPING)
        before, after = result.energies[0]
        accepted.append(bool(result.accepted[0]))
        assert bool(after < before) is accepted[-1]
        assert result.variables.T.equal(variables.T) is not accepted[-1]
        variables = result.variables
    assert accepted[0]
    assert not accepted[-1]


def test_inverse_depth_changes_by_a_bounded_factor(room_window: Any) -> None:
    problem, variables = room_window.start(0.0, 0.0, 0.6)
    after = adjust(problem, variables, (_COARSE,), _DAMPING).variables
    ratio = after.inverse_depth / variables.inverse_depth
    assert float(ratio.min()) >= 0.75 - 1e-5
    assert float(ratio.max()) <= 1.3 + 1e-5
    assert not torch.equal(ratio, torch.ones_like(ratio))


def test_a_window_without_valid_points_stays(room_window: Any) -> None:
    problem, variables = room_window.start(0.007, 0.3, 0.09)
    nothing = replace(
        problem,
        valid=torch.zeros_like(problem.valid),
        observed_ok=torch.zeros_like(problem.observed_ok),
    )
    after = adjust(nothing, variables, (_COARSE, _FINE), _DAMPING).variables
    np.testing.assert_allclose(after.T, variables.T, atol=1e-9)
    np.testing.assert_allclose(after.inverse_depth, variables.inverse_depth, rtol=1e-6)
