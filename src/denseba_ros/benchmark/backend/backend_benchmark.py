"""The backend's benchmark: two iterations on a window, against the machine and other solvers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.solver.cuda_graph import CapturedBundleAdjustment
from denseba_ros.benchmark.backend.floors import Rates, Work, work_of
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.benchmark.backend.to_same_cost import SameCost, lbfgs, to_same_cost
from denseba_ros.benchmark.timing import Timing, measure
from denseba_ros.slam.mapping.local_mapper import DAMPING

# The window of the system, and one with a point in every cell of the depth grid.
SIZES = {"default": WindowSize(points=1000, corners=500), "dense": WindowSize()}


@dataclass(frozen=True)
class SchurResult:
    """Two iterations with one ``kernel``, as a CUDA ``graph`` or not: ``timing`` and ``energies``
    (iterations, 2) before and after."""

    kernel: str
    timing: Timing
    energies: list[list[float]]
    graph: bool = False

    def as_json(self, floors: dict[str, float]) -> dict[str, Any]:
        """As JSON values, with the ratio of the time to each of ``floors`` (seconds)."""
        return {
            "kernel": self.kernel,
            "cuda_graph": self.graph,
            **self.timing.as_json(),
            "energies": self.energies,
            "times_floor": {name: self.timing.median / floor for name, floor in floors.items()},
        }


@dataclass(frozen=True)
class BackendResult:
    """One window: the Schur solver by kernel, the window's ``work``, and L-BFGS ``to_same_cost``
    on each level, empty when not asked for."""

    name: str
    size: WindowSize
    schur: list[SchurResult]
    work: Work
    to_same_cost: list[SameCost]

    @property
    def best(self) -> SchurResult:
        """The kernel that the system uses on this device."""
        return self.schur[-1]

    def lbfgs_ratio(self) -> tuple[float, bool]:
        """Time of L-BFGS over that of Schur, and whether it reached the energy everywhere."""
        seconds = sum(level.seconds for level in self.to_same_cost)
        return seconds / self.best.timing.median, all(level.reached for level in self.to_same_cost)

    def as_json(self, rates: Rates) -> dict[str, Any]:
        """As JSON values, with the floors for the machine's ``rates``."""
        floors = self.work.floors(rates)
        result: dict[str, Any] = {
            "window": {"name": self.name, **vars(self.size)},
            "work": vars(self.work),
            "floor_seconds": floors,
            "schur": [one.as_json(floors) for one in self.schur],
        }
        if self.to_same_cost:
            ratio, reached = self.lbfgs_ratio()
            levels = [level.as_json() for level in self.to_same_cost]
            result["lbfgs"] = {"levels": levels, "times_schur": ratio, "reached": reached}
        return result


def run_backend(
    name: str, size: WindowSize, device: torch.device, repeat: int, cap: float
) -> BackendResult:
    """Time one window; L-BFGS gets ``cap`` seconds a level, 0 leaves it out."""
    window = make_room_window(size, device)
    kernels = {"torch": choose_kernel("torch", device), "fused": choose_kernel("auto", device)}
    if kernels["fused"] is kernels["torch"]:
        del kernels["fused"]
    schur = [_time_schur(window, kernels[kind], device, repeat, kind) for kind in kernels]
    races = to_same_cost("L-BFGS", lbfgs, window, DAMPING, cap) if cap > 0 else []
    return BackendResult(name, size, schur, work_of(window.problem, window.levels), races)


@torch.no_grad()
def _time_schur(
    window: BenchmarkWindow, kernel: PairKernel, device: torch.device, repeat: int, name: str
) -> SchurResult:
    adjust = CapturedBundleAdjustment.on(device, DAMPING, kernel)

    def solve() -> torch.Tensor:
        return adjust(window.problem, window.start, window.levels).energies

    timing = measure(solve, device, repeat, f"Schur, {name}")
    return SchurResult(name, timing, solve().tolist(), adjust.recorded)
