"""Two dense bundle-adjustment iterations, coarse then fine, with step limit and acceptance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.solver.energy import energy
from denseba_ros.backend.solver.gauge import project_out_gauge
from denseba_ros.backend.solver.normal_equations import LinearSystem, linearise
from denseba_ros.backend.solver.schur import solve

# One step changes an inverse depth at most by these factors.
_SHRINK, _GROW = 0.75, 1.3
# Relative inverse depth never falls to zero or below.
_MIN_INVERSE_DEPTH = 1e-5


@dataclass(frozen=True)
class BundleAdjustmentResult:
    """Result: ``variables``, the last linear ``system`` (at the last iteration's start), energies
    (iterations, 2) before and after each iteration and ``accepted`` (iterations,) bool."""

    variables: Variables
    system: LinearSystem
    energies: Tensor
    accepted: Tensor


def adjust(
    problem: Problem,
    variables: Variables,
    levels: tuple[int, ...],
    damping: float,
    kernel: PairKernel = TORCH_KERNEL,
) -> BundleAdjustmentResult:
    """One Gauss-Newton iteration on each pyramid level of ``levels``, in order.

    A step that raises the energy is refused. ``kernel`` sums over the pairs.
    """
    references = {level: patch_reference(problem, level) for level in set(levels)}
    energies, accepted = [], []
    for level in levels:
        reference = references[level]
        system = linearise(problem, reference, variables, level, kernel)
        step = solve(system, damping)
        moved = _moved(variables, *project_out_gauge(problem, variables, step.frames, step.depths))
        after = energy(problem, reference, moved, level, system.costs, kernel)
        accept = step.ok & (after < system.energy)
        variables = moved.chosen(accept, variables)
        energies.append(torch.stack([system.energy, torch.where(accept, after, system.energy)]))
        accepted.append(accept)
    return BundleAdjustmentResult(variables, system, torch.stack(energies), torch.stack(accepted))


def _moved(variables: Variables, frames: Tensor, depths: Tensor) -> Variables:
    """Take a step with the inverse depths kept within the step limit."""
    d = variables.inverse_depth
    limited = (d + depths).clamp(min=_MIN_INVERSE_DEPTH)
    limited = torch.minimum(torch.maximum(limited, d * _SHRINK), d * _GROW)
    return variables.moved(frames, limited - d)
