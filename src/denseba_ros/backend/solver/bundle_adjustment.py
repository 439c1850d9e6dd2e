"""Dense bundle adjustment: one Gauss-Newton iteration a level, with step limit and acceptance.

After Engel, Koltun, Cremers, "Direct sparse odometry", PAMI 40(3), 2018, section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import PatchReference, patch_reference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.solver.energy import energy
from denseba_ros.backend.solver.gauge import project_out_gauge
from denseba_ros.backend.solver.normal_equations import LinearSystem, linearise
from denseba_ros.backend.solver.schur import solve

# One step changes an inverse depth at most by these factors.
_MIN_FACTOR, _MAX_FACTOR = 0.75, 1.3
# Inverse depth never falls to zero or below.
_MIN_INVERSE_DEPTH = 1e-5


@dataclass(frozen=True)
class BundleAdjustmentResult:
    """Result: ``variables``, the ``system`` of the last iteration (at its linearisation point),
    ``energies`` (iterations, 2) float64 before and after each iteration and ``accepted``
    (iterations,) bool."""

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
    references: Mapping[int, PatchReference] | None = None,
) -> BundleAdjustmentResult:
    """One damped Gauss-Newton iteration on each pyramid level of ``levels``, in order.

    A step that raises the energy is rejected.

    Args:
        problem: the window, with images of all ``levels``.
        variables: initial values.
        levels: pyramid levels, 0 the finest; one iteration each.
        damping: Levenberg-Marquardt damping relative to the diagonal, no unit.
        kernel: linearises and evaluates all pairs of points and frames.
        references: the patches by level, where they were cut before.
    """
    if references is None:
        references = {level: patch_reference(problem, level) for level in set(levels)}
    energies, accepted = [], []
    for level in levels:
        reference = references[level]
        system = linearise(problem, reference, variables, level, kernel)
        step = solve(system, damping)
        projected = project_out_gauge(problem, variables, step.frames, step.depths)
        candidate = _retracted(variables, *projected)
        after = energy(problem, reference, candidate, level, system.costs, kernel)
        accept = step.ok & (after < system.energy)
        variables = candidate.if_accepted(accept, variables)
        energies.append(torch.stack([system.energy, torch.where(accept, after, system.energy)]))
        accepted.append(accept)
    return BundleAdjustmentResult(variables, system, torch.stack(energies), torch.stack(accepted))


def _retracted(variables: Variables, frames: Tensor, depths: Tensor) -> Variables:
    """Variables after steps (K, 8) and (G, N), the inverse depths kept within the step limit."""
    d = variables.inverse_depth
    limited = (d + depths).clamp(min=_MIN_INVERSE_DEPTH)
    limited = torch.minimum(torch.maximum(limited, d * _MIN_FACTOR), d * _MAX_FACTOR)
    return variables.retracted(frames, limited - d)
