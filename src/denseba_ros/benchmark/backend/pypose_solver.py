"""Levenberg-Marquardt of pypose on the backend's energy (dense Jacobian by autograd)."""

from __future__ import annotations

from collections.abc import Callable

import pypose
import torch
from torch import Tensor

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.benchmark.backend.least_squares import residuals


class _Window(torch.nn.Module):
    """The unknowns as pypose's parameters, their residuals as its output."""

    def __init__(self, problem: Problem, start: Variables, level: int, costs: Tensor) -> None:
        super().__init__()
        self.poses = pypose.Parameter(pypose.mat2SE3(start.T, check=False))
        self.affine = torch.nn.Parameter(start.affine.clone())
        self.inverse_depth = torch.nn.Parameter(start.inverse_depth.clone())
        self._problem, self._level, self._costs = problem, level, costs
        self._reference = patch_reference(problem, level)

    def forward(self, _: None) -> Tensor:
        variables = Variables(self.poses.matrix(), self.affine, self.inverse_depth)
        return residuals(self._problem, self._reference, variables, self._level, self._costs)


@torch.no_grad()
def minimise_with_pypose(
    problem: Problem,
    start: Variables,
    level: int,
    enough: Callable[[float], bool],
    steps: int = 100,
) -> None:
    """Up to ``steps`` of LM; ``enough`` sees the energy after each and ends it when true."""
    reference = patch_reference(problem, level)
    costs = TORCH_KERNEL.linearise(problem, reference, start, level).costs
    window = _Window(problem, start, level, costs)
    optimiser = pypose.optim.LM(window, strategy=pypose.optim.strategy.TrustRegion())
    for _ in range(steps):
        with torch.enable_grad():
            optimiser.step(None)
        if enough(0.5 * float(window(None).square().sum())):
            return
