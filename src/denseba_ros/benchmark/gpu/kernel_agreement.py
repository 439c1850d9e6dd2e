"""Do a kernel's sums and steps agree with plain torch in float64?"""

from __future__ import annotations

from dataclasses import fields, replace

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.backend.solver.schur import solve
from denseba_ros.backend.solver.tensor_tree import map_tensors
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow
from denseba_ros.benchmark.gpu.figure import largest
from denseba_ros.slam.mapping.local_mapper import DAMPING

STEP_BAR = 1e-3
"""Of a step in float32, relative to that in float64, for each kind of unknown."""
SUM_BAR = 1e-9
"""Of every sum where both are float64, relative to the sum's largest entry."""

_UNKNOWNS = {"translation": slice(0, 3), "rotation": slice(3, 6), "gain": slice(6, 7)}
_UNKNOWNS |= {"offset": slice(7, 8)}
# One cost in three is taken out of use, and the depths move by a tenth, to try the energy.
_UNUSED, _MOVED = 3, 1.1


def in_double(window: BenchmarkWindow) -> BenchmarkWindow:
    """The same window with every float32 as float64."""
    return map_tensors(window, lambda t: t.double() if t.is_floating_point() else t)


def sum_differences(
    kernel: PairKernel, problem: Problem, variables: Variables, level: int
) -> dict[str, float]:
    """Largest difference of each sum from plain torch of the same dtype, relative to its largest
    entry; ``energy_later`` is the energy of the patches in use at other depths.

    Raises:
        ValueError: when the two differ in which patches count, in a dtype or in a shape.
    """
    reference = patch_reference(problem, level)
    expected = TORCH_KERNEL.linearise(problem, reference, variables, level)
    actual = kernel.linearise(problem, reference, variables, level)
    if not torch.equal(actual.costs >= 0, expected.costs >= 0):
        apart = int(((actual.costs >= 0) != (expected.costs >= 0)).sum())
        raise ValueError(f"{apart} patches count in one kernel alone")
    found = {
        field.name: _relative_to_largest(
            field.name, getattr(actual, field.name), getattr(expected, field.name)
        )
        for field in fields(expected)
    }
    costs = expected.costs.clone()
    costs[:, :, ::_UNUSED] = -1.0
    moved = replace(variables, inverse_depth=_MOVED * variables.inverse_depth)
    found["energy_later"] = largest(
        _relative_to_largest(
            "energy",
            kernel.energy(problem, reference, at, level, costs),
            TORCH_KERNEL.energy(problem, reference, at, level, costs),
        )
        for at in (variables, moved)
    )
    return found


def step_differences(
    kernel: PairKernel, window: BenchmarkWindow, level: int
) -> tuple[dict[str, float], int]:
    """Relative difference of each kind of step from plain torch in float64, and how many patches
    count in one alone (one at its very cutoff may fall to either side).

    Raises:
        ValueError: when a system has no solution.
    """
    counts, frames, depths = _step(kernel, window, level)
    expected_counts, expected_frames, expected_depths = _step(
        TORCH_KERNEL, in_double(window), level
    )
    found = {
        name: relative(frames[:, part], expected_frames[:, part])
        for name, part in _UNKNOWNS.items()
    }
    found["inverse depth"] = relative(depths, expected_depths)
    return found, int((counts != expected_counts).sum())


def relative(actual: Tensor, expected: Tensor) -> float:
    """Norm of the difference over that of ``expected``."""
    return float((actual - expected).norm() / expected.norm())


def _step(kernel: PairKernel, window: BenchmarkWindow, level: int) -> tuple[Tensor, Tensor, Tensor]:
    """What counts, and the steps of frames (K, 8) and of inverse depths (K, N), float64."""
    reference = patch_reference(window.problem, level)
    system = linearise(window.problem, reference, window.start, level, kernel)
    step = solve(system, DAMPING)
    if not step.ok:
        raise ValueError("the normal equations have no solution")
    return system.counts, step.frames, step.depths.double()


def _relative_to_largest(name: str, actual: Tensor, expected: Tensor) -> float:
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        raise ValueError(
            f"{name} is {actual.dtype} {tuple(actual.shape)}, "
            f"not {expected.dtype} {tuple(expected.shape)}"
        )
    if not expected.numel():
        return 0.0
    return float((actual - expected).abs().max() / expected.abs().max().clamp(min=1e-6))
