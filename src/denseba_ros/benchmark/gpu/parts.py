"""The parts by name, with the time that each may take."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from denseba_ros.benchmark.gpu.figure import PartResult
from denseba_ros.benchmark.gpu.gpu_job import GpuJob


@dataclass(frozen=True)
class Part:
    """``title`` for the table; ``seconds`` after which its process is ended."""

    title: str
    seconds: float

    def __str__(self) -> str:
        return self.title


PARTS = {
    "compile": Part("First start", 130.0),
    "kernel": Part("Triton kernels against plain torch in float64", 85.0),
    "window": Part("Bundle adjustment as a CUDA graph", 45.0),
    "network": Part("Networks, one image", 35.0),
    "system": Part("Whole system", 90.0),
    "cuda_tests": Part("Tests on the GPU", 95.0),
}
"""In this order; all limits together are eight minutes."""


def run_part(name: str, job: GpuJob) -> PartResult:
    """Run one of PARTS in this process; on a CPU without bars. Raises what the part raises."""
    # Only this part's: what another needs may be missing.
    module = importlib.import_module(f"denseba_ros.benchmark.gpu.{name}_part")
    result: PartResult = module.run(job)
    return result.without_bars() if job.is_trial else result
