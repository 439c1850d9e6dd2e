"""L-BFGS over the same energy, to compare Gauss-Newton with.

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
    """Minimise the energy on each pyramid level of ``levels``, in order, from ``variables``.

    ``steps`` is the number of L-BFGS iterations on each level. The result is as of ``adjust``.
    """
    energies, accepted = [], []
    for level in levels:
        reference = patch_reference(problem, level)
        system = linearise(problem, reference, variables, level, TORCH_KERNEL)
        with torch.enable_grad():
            candidate = minimise(problem, variables, level, system, steps)
        after = energy(problem, reference, candidate, level, system.costs, TORCH_KERNEL)
        accept = after < system.energy
        variables = candidate.if_accepted(accept, variables)
        energies.append(torch.stack([system.energy, torch.where(accept, after, system.energy)]))
        accepted.append(accept)
    return BundleAdjustmentResult(variables, system, torch.stack(energies), torch.stack(accepted))


class _StopError(Exception):
    """The caller's stopping criterion holds."""


def minimise(
    problem: Problem,
    initial: Variables,
    level: int,
    system: LinearSystem,
    steps: int,
    stop: Callable[[Tensor], bool] = lambda value: False,
) -> Variables:
    """Variables after L-BFGS iterations on one level, with autograd enabled by the caller.

    The search variables are scaled by the diagonal of the Gauss-Newton Hessian: lengths, radians,
    grey levels and log inverse depths differ too much for the first quasi-Newton steps.

    Args:
        problem: the window, with images of ``level``.
        initial: initial values.
        level: pyramid level, 0 the finest.
        system: the Gauss-Newton system at ``initial``.
        steps: most iterations.
        stop: sees every energy (scalar float64) that is evaluated; true ends the search there.
    """
    k = len(initial.T)
    reference = patch_reference(problem, level)
    device = initial.T.device
    frames = torch.zeros(k, FRAME_DOF, dtype=torch.float64, device=device, requires_grad=True)
    depths = torch.zeros_like(initial.inverse_depth, dtype=torch.float64, requires_grad=True)
    units = system.H.diagonal().clamp(min=1e-9).rsqrt().reshape(k, FRAME_DOF)
    depth_units = (system.H_depth.clamp(min=1e-9).rsqrt() / initial.inverse_depth).clamp(max=0.5)

    def candidate() -> Variables:
        d = initial.inverse_depth
        change = d * torch.expm1(depth_units * depths).to(d.dtype)
        return initial.retracted(frames * units, change)

    optimiser = torch.optim.LBFGS(
        [frames, depths], max_iter=steps, history_size=_HISTORY, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = energy(problem, reference, candidate(), level, system.costs, TORCH_KERNEL)
        if stop(value.detach()):
            raise _StopError
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with suppress(_StopError):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return candidate()
