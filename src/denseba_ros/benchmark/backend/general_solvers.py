"""General solvers from PyPI raced to the Schur solver's energy, on a window small enough for them.

They run on the CPU in float64. pypose differentiates every residual by autograd into a dense
Jacobian, which bounds the points it can take.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from typing import Any

import torch

from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.backend.solver.tensor_tree import map_tensors
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.benchmark.backend.to_same_cost import SameCost, Solver, to_same_cost
from denseba_ros.benchmark.timing import measure

SIZE = WindowSize(3, (40, 30))
# Of these cells every so-manieth is a point; prime to the width, so that they spread.
EVERY = {"pypose": 13, "gtsam": 1}
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class GeneralResult:
    """``solver`` on a window of ``size`` with ``points`` per keyframe.

    ``schur_seconds`` (median) is the Schur solver's time for both levels there; ``missing`` is
    the reason if there are no ``races``.
    """

    solver: str
    size: WindowSize
    points: int
    schur_seconds: float
    races: list[SameCost]
    missing: str = ""

    @property
    def seconds(self) -> float:
        """Seconds over all levels."""
        return sum(race.seconds for race in self.races)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        if self.missing:
            return {"solver": self.solver, "missing": self.missing}
        return {
            "solver": self.solver,
            "window": vars(self.size),
            "points_per_keyframe": self.points,
            "schur_seconds": self.schur_seconds,
            "levels": [race.as_json() for race in self.races],
            "times_schur": self.seconds / self.schur_seconds,
            "reached": all(race.reached for race in self.races),
        }


def run_general(solver: str, damping: float, repeat: int, cap_seconds: float) -> GeneralResult:
    """Race ``solver``, which gets ``cap_seconds`` a level; ``missing`` where not installed."""
    try:
        module = importlib.import_module(f"denseba_ros.benchmark.backend.{solver}_solver")
    except ModuleNotFoundError as error:
        if error.name != solver:
            raise
        reason = f"{solver} is not installed: pip install 'denseba_ros[benchmark]'"
        return GeneralResult(solver, SIZE, 0, 0.0, [], reason)
    minimise: Solver = getattr(module, f"minimise_with_{solver}")
    window = thinned(make_room_window(SIZE, _CPU), EVERY[solver])
    return GeneralResult(
        solver,
        SIZE,
        window.problem.pixels.shape[1],
        _schur_seconds(window, damping, repeat),
        to_same_cost(solver, minimise, _double(window), damping, cap_seconds),
    )


def thinned(window: BenchmarkWindow, every: int) -> BenchmarkWindow:
    """The same window with every so-manieth point."""
    problem, start = window.problem, window.start
    few = replace(
        problem,
        pixels=problem.pixels[:, ::every].contiguous(),
        valid=problem.valid[:, ::every].contiguous(),
        prior_depth=problem.prior_depth[:, ::every].contiguous(),
        prior_information=problem.prior_information[:, ::every].contiguous(),
    )
    start = replace(start, inverse_depth=start.inverse_depth[:, ::every].contiguous())
    return replace(window, problem=few, start=start)


def _double(window: BenchmarkWindow) -> BenchmarkWindow:
    return map_tensors(window, lambda t: t.double() if t.is_floating_point() else t)


@torch.no_grad()
def _schur_seconds(window: BenchmarkWindow, damping: float, repeat: int) -> float:
    kernel = choose_kernel("auto", _CPU)
    return measure(
        lambda: adjust(window.problem, window.start, window.levels, damping, kernel), _CPU, repeat
    ).median
