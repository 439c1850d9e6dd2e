"""L-BFGS over the same energy: the origin of the design, kept as the yardstick.

Gradients by autograd, line search by the strong Wolfe conditions (Nocedal, Wright, "Numerical
optimization", 2006, chapter 7; torch.optim.LBFGS). Nothing is eliminated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.solver.bundle_adjustment import BundleAdjustmentResult
from denseba_ros.backend.solver.energy import energy
from denseba_ros.backend.solver.normal_equations import LinearSystem, linearise

# Steps on each level; two Gauss-Newton iterations correspond to many of these.
_STEPS = 50
_HISTORY = 20


def adjust_lbfgs(
    problem: Problem, variables: Variables, levels: tuple[int, ...], steps: int = _STEPS
) -> BundleAdjustmentResult:
    """Minimise the energy on each pyramid level of ``levels``, in order."""
    energies, accepted = [], []
    for level in levels:
        reference = patch_reference(problem, level)
        system = linearise(problem, reference, variables, level, TORCH_KERNEL)
        with torch.enable_grad():
            moved = minimise(problem, variables, level, system, steps)
        after = energy(problem, reference, moved, level, system.costs, TORCH_KERNEL)
        accept = after < system.energy
        variables = moved.chosen(accept, variables)
        energies.append(torch.stack([system.energy, torch.where(accept, after, system.energy)]))
        accepted.append(accept)
    return BundleAdjustmentResult(variables, system, torch.stack(energies), torch.stack(accepted))


class _EnoughError(Exception):
    """The caller has seen enough."""


def minimise(
    problem: Problem,
    start: Variables,
    level: int,
    system: LinearSystem,
    steps: int,
    enough: Callable[[Tensor], bool] = lambda value: False,
) -> Variables:
    """Variables after ``steps`` of L-BFGS from ``start``, with autograd enabled by the caller.

    ``enough`` sees every energy that is evaluated, and ends the search there when it is true. The
    search variables are scaled by the diagonal of the Gauss-Newton Hessian ``system``: metres,
    radians, grey levels and log inverse depths differ too much for a quasi-Newton start.
    """
    k = len(start.T)
    reference = patch_reference(problem, level)
    device = start.T.device
    frames = torch.zeros(k, FRAME_DOF, dtype=torch.float64, device=device, requires_grad=True)
    depths = torch.zeros_like(start.inverse_depth, dtype=torch.float64, requires_grad=True)
    units = system.H.diagonal().clamp(min=1e-9).rsqrt().reshape(k, FRAME_DOF)
    depth_units = (system.H_depth.clamp(min=1e-9).rsqrt() / start.inverse_depth).clamp(max=0.5)

    def moved() -> Variables:
        d = start.inverse_depth
        change = d * torch.expm1(depth_units * depths).to(d.dtype)
        return start.moved(frames * units, change)

    optimiser = torch.optim.LBFGS(
        [frames, depths], max_iter=steps, history_size=_HISTORY, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = energy(problem, reference, moved(), level, system.costs, TORCH_KERNEL)
        if enough(value.detach()):
            raise _EnoughError
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with suppress(_EnoughError):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return moved()
