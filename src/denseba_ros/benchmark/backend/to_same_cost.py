"""How long another solver takes to the energy that the Schur solver reached, on each level.

Both begin at the same variables of that level and compare the energy of the same patches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from tqdm import tqdm

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.backend.solver.lbfgs import minimise
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow

_STEPS = 1000

# Minimises the energy of a problem on a level from initial variables. It passes every energy that
# it evaluates to its last argument and ends when that returns true.
Solver = Callable[[Problem, Variables, int, Callable[[float], bool]], None]


@dataclass(frozen=True)
class SameCost:
    """One level: ``target`` energy, lowest ``energy`` evaluated, ``seconds`` and ``evaluations``
    until then; ``reached`` is false when the cap or the solver's own end came first."""

    level: int
    target: float
    energy: float
    seconds: float
    evaluations: int
    reached: bool

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(vars(self))


@torch.no_grad()
def to_same_cost(
    name: str, solver: Solver, window: BenchmarkWindow, damping: float, cap_seconds: float
) -> list[SameCost]:
    """Race each level of the window; each may take ``cap_seconds``."""
    variables, results = window.start, []
    for level in window.levels:
        schur = adjust(window.problem, variables, (level,), damping)
        target = float(schur.energies[0, 1])
        run = partial(solver, window.problem, variables, level)
        results.append(_race(name, level, target, cap_seconds, run))
        variables = schur.variables
    return results


def _race(
    name: str,
    level: int,
    target: float,
    cap_seconds: float,
    minimise: Callable[[Callable[[float], bool]], object],
) -> SameCost:
    """Run ``minimise`` until it reaches the target energy or the time limit."""
    lowest, evaluations = float("inf"), 0
    with tqdm(desc=f"{name}, level {level}", leave=False, disable=None) as bar:
        started = time.perf_counter()

        def enough(energy: float) -> bool:
            nonlocal lowest, evaluations
            lowest = min(lowest, energy)
            evaluations += 1
            bar.update()
            bar.set_postfix(energy=lowest, target=target)
            return lowest <= target or time.perf_counter() - started > cap_seconds

        minimise(enough)
        seconds = time.perf_counter() - started
    return SameCost(level, target, lowest, seconds, evaluations, lowest <= target)


def lbfgs(problem: Problem, start: Variables, level: int, enough: Callable[[float], bool]) -> None:
    """L-BFGS as a ``Solver``."""
    # The Gauss-Newton diagonal that scales its unknowns is part of what L-BFGS needs.
    system = linearise(problem, patch_reference(problem, level), start, level, TORCH_KERNEL)
    with torch.enable_grad():
        minimise(problem, start, level, system, _STEPS, lambda value: enough(float(value)))
