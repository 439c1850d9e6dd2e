"""Part: compile the CPU's loops and the system's Triton kernels, so that no other part waits."""

from __future__ import annotations

import time

from denseba_ros.benchmark.gpu.figure import Figure, PartResult
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.benchmark.gpu.played_path import play
from denseba_ros.benchmark.system.palindrome import palindrome
from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.warm_up import warmed_up

# Rendered, and played forth and back: enough for a full window that marginalises keyframes.
_RENDERED, _IMAGES = 60, 240


def run(job: GpuJob) -> PartResult:
    """A first start on the CPU; on a GPU also until keyframes were adjusted; how long that took."""
    started = time.monotonic()
    warmed_up(Config(device="cpu"))
    figures = [Figure("loops for the CPU", time.monotonic() - started, "s")]
    if job.device.type == "cuda":
        started = time.monotonic()
        room = RoomSequence("sweep", _RENDERED)
        frames = list(palindrome(list(room), _IMAGES))
        play(Config(device="cuda"), room.calibration, frames, "lockstep")
        took = time.monotonic() - started
        figures.append(Figure(f"first {_IMAGES} images on the GPU", took, "s"))
    return PartResult(figures)
