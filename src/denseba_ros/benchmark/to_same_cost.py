"""How long L-BFGS takes to the energy that the Schur solver reached, on each level.

Both begin at the same variables of that level and compare the energy of the same patches.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from denseba_ros.backend.adjustment import adjust
from denseba_ros.backend.lbfgs import minimise
from denseba_ros.backend.linear_system import linearise
from denseba_ros.backend.pair_torch import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.benchmark.room_window import BenchmarkWindow

_STEPS = 1000


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
        return dict(vars(self))


@torch.no_grad()
def lbfgs_to_same_cost(
    window: BenchmarkWindow, damping: float, cap_seconds: float
) -> list[SameCost]:
    """Race each level of the window; each may take ``cap_seconds``."""
    variables, results = window.start, []
    for level in window.levels:
        schur = adjust(window.problem, variables, (level,), damping)
        target = float(schur.energies[0, 1])
        results.append(_race(window.problem, variables, level, target, cap_seconds))
        variables = schur.variables
    return results


def _race(
    problem: Problem, start: Variables, level: int, target: float, cap_seconds: float
) -> SameCost:
    lowest, evaluations = float("inf"), 0
    with tqdm(desc=f"L-BFGS, level {level}", leave=False, disable=None) as bar:
        started = time.perf_counter()

        def enough(value: Tensor) -> bool:
            nonlocal lowest, evaluations
            lowest = min(lowest, float(value))
            evaluations += 1
            bar.update()
            bar.set_postfix(energy=lowest, target=target)
            return lowest <= target or time.perf_counter() - started > cap_seconds

        # The Gauss-Newton diagonal that scales its unknowns is part of what L-BFGS needs.
        system = linearise(problem, patch_reference(problem, level), start, level, TORCH_KERNEL)
        with torch.enable_grad():
            minimise(problem, start, level, system, _STEPS, enough)
        seconds = time.perf_counter() - started
    return SameCost(level, target, lowest, seconds, evaluations, lowest <= target)
