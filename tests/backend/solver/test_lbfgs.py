"""L-BFGS, the yardstick, on a small window of the room."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.backend.solver.lbfgs import adjust_lbfgs

_LEVELS = (2, 1)


@pytest.mark.slow
def test_depth_and_brightness_are_recovered(tiny_window: Any) -> None:
    problem, variables = tiny_window.start(0.007, 0.3, 0.09, seed=1)
    before = tiny_window.errors(variables)
    result = adjust_lbfgs(problem, variables, _LEVELS)
    after = tiny_window.errors(result.variables)
    assert result.accepted.all()
    # What the coarse level has mended, the fine one need not.
    ratio = result.energies[:, 1] / result.energies[:, 0]
    assert float(ratio[0]) < 0.5
    assert float(ratio[1]) < 0.85
    assert after.depth < 0.6 * before.depth
    assert after.rotation < before.rotation
    assert after.grey < 0.25 * before.grey


@pytest.mark.slow
def test_eighty_steps_reach_a_lower_energy_than_two_iterations(tiny_window: Any) -> None:
    """A minimiser is judged by its energy: three keyframes leave poses and depth some freedom."""
    for start in (tiny_window.start(0.007, 0.3, 1e-6), tiny_window.start(0.007, 0.3, 0.09)):
        problem, variables = start
        before = tiny_window.errors(variables)
        quick = adjust(problem, variables, _LEVELS, 1e-4)
        slow = adjust_lbfgs(problem, variables, _LEVELS, steps=80)
        assert slow.energies[-1, 1] < quick.energies[-1, 1]
        assert tiny_window.errors(slow.variables).rotation < 0.7 * before.rotation


def test_both_solvers_minimise_the_same_energy(tiny_window: Any) -> None:
    problem, variables = tiny_window.start(0.0015, 0.1, 0.02)
    quick, slow = adjust(problem, variables, (1,), 1e-4), adjust_lbfgs(problem, variables, (1,), 30)
    assert torch.equal(quick.energies[0, 0], slow.energies[0, 0])
    # Thirty steps go on where one Gauss-Newton iteration stops.
    assert 1.0 <= float(quick.energies[0, 1] / slow.energies[0, 1]) < 1.2


def test_repeated_it_is_bit_identical_and_leaves_no_gradient(tiny_window: Any) -> None:
    problem, variables = tiny_window.start(0.007, 0.3, 0.09)
    with torch.no_grad():
        first, second = (adjust_lbfgs(problem, variables, (2,), 5).variables for _ in range(2))
    assert torch.equal(first.T, second.T)
    assert torch.equal(first.inverse_depth, second.inverse_depth)
    assert not first.T.requires_grad
