"""The energy as a sum of squares, which is what makes general solvers comparable."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference, patch_residual
from denseba_ros.backend.problem import Variables
from denseba_ros.backend.solver.energy import energy
from denseba_ros.backend.solver.tensor_tree import map_tensors
from denseba_ros.benchmark.backend.general_solvers import thinned
from denseba_ros.benchmark.backend.least_squares import residuals, signed_root
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.geometry import se3


@pytest.fixture(scope="module")
def window() -> BenchmarkWindow:
    window = thinned(make_room_window(WindowSize(3, (40, 30)), torch.device("cpu")), 6)
    return map_tensors(window, lambda t: t.double() if t.is_floating_point() else t)


def _elsewhere(start: Variables) -> Variables:
    """So far off that patches leave the image and stop fitting."""
    step = torch.tensor([[0.05, 0, 0, 0, 0.1, 0]] * 3, dtype=torch.float64)
    step[1] = 0.0
    affine = start.affine + torch.tensor([0.1, 5.0], dtype=torch.float64)
    return Variables(se3.exp(step) @ start.T, affine, 1.2 * start.inverse_depth)


@pytest.mark.parametrize("level", [1, 2])
def test_half_the_squared_sum_is_the_energy(window: BenchmarkWindow, level: int) -> None:
    problem = window.problem
    reference = patch_reference(problem, level)
    costs = TORCH_KERNEL.linearise(problem, reference, window.start, level).costs
    for variables in (window.start, _elsewhere(window.start)):
        r = residuals(problem, reference, variables, level, costs)
        expected = energy(problem, reference, variables, level, costs, TORCH_KERNEL)
        torch.testing.assert_close(0.5 * r.square().sum(), expected, rtol=1e-12, atol=0.0)
    now = patch_residual(problem, reference, _elsewhere(window.start), level)
    in_use = costs >= 0
    assert (in_use & ~now.visible).any()
    assert (in_use & now.visible & ~now.counts).any()


def test_the_root_has_the_gradient_of_hubers_cost() -> None:
    size = torch.linspace(-4.0, 4.0, 81, dtype=torch.float64, requires_grad=True)
    (0.5 * signed_root(size, 1.3).square()).sum().backward()
    expected = size.detach().clamp(-1.3, 1.3)
    torch.testing.assert_close(size.grad, expected, rtol=1e-12, atol=1e-12)
