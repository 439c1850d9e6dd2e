"""Part: compile the loops for this machine's CPU, so that no other part waits for it."""

from __future__ import annotations

import time

from denseba_ros.benchmark.gpu.figure import Figure, PartResult
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.config import Config
from denseba_ros.slam.warm_up import warmed_up


def run(job: GpuJob) -> PartResult:
    """Load the models and compile, on the CPU and on the device; how long that took."""
    started = time.monotonic()
    warmed_up(Config(device="cpu"))
    figures = [Figure("loops for the CPU", time.monotonic() - started, "s")]
    if job.device.type == "cuda":
        started = time.monotonic()
        warmed_up(Config(device="cuda"))
        figures.append(Figure("first images on the GPU", time.monotonic() - started, "s"))
    return PartResult(figures)
