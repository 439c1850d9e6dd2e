"""The whole system on decoded images: speed, memory, and both over a long run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from denseba_ros.benchmark.system.stages import StageTimes
from denseba_ros.benchmark.timing import status_mib
from denseba_ros.config import Config
from denseba_ros.device import give_cores_to_loops
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.slam.system import System

BLOCK = 1000


@dataclass(frozen=True)
class Block:
    """``frames`` consecutive frames: milliseconds per frame, and memory (MiB) after the last.

    ``cpu_ms`` is the mean CPU time of all threads of this process: on a machine with other users
    it measures the cost better than wall-clock time.
    """

    first: int
    frames: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    cpu_ms: float
    keyframes: int
    memory_mib: float


@dataclass(frozen=True)
class SystemResult:
    """``host_mib``, ``gpu_mib``: peak memory of the run, without libraries and images."""

    times: StageTimes
    blocks: list[Block]
    host_mib: float
    gpu_mib: float | None

    @property
    def cpu_ms(self) -> float:
        """Mean CPU time of a frame, all threads together."""
        return sum(b.cpu_ms * b.frames for b in self.blocks) / max(self.times.frames, 1)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **self.times.as_json(),
            "cpu_ms": self.cpu_ms,
            "host_mib": self.host_mib,
            "gpu_mib": self.gpu_mib,
            "blocks": [asdict(block) for block in self.blocks],
        }


def run_system(
    config: Config, calibration: Calibration, frames: Iterable[StampedImage], block: int = BLOCK
) -> SystemResult:
    """Process ``frames`` one after the other; reading them is not part of the times."""
    before = status_mib("VmRSS")
    give_cores_to_loops()
    system = System(config, calibration)
    device = system.frontend.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    times, blocks, peak = StageTimes(), [], before
    start = _Start(0, 0, 0.0)
    cpu = 0.0
    for frame in frames:
        begin, begin_cpu = time.perf_counter(), time.process_time()
        estimate = system.process(frame.stamp_ns, frame.image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.add(estimate, time.perf_counter() - begin)
        cpu += time.process_time() - begin_cpu
        system.finished_keyframes()
        peak = max(peak, status_mib("VmRSS"))
        if times.frames - start.frames == block:
            blocks.append(_block(times, cpu, start, before))
            start = _Start(times.frames, times.keyframes, cpu)
    if times.frames > start.frames:
        blocks.append(_block(times, cpu, start, before))
    gpu = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return SystemResult(times, blocks, peak - before, gpu)


@dataclass(frozen=True)
class _Start:
    """What had been counted when a block began."""

    frames: int
    keyframes: int
    cpu: float


def _block(times: StageTimes, cpu: float, start: _Start, before: float) -> Block:
    ms = 1e3 * np.array(times.seconds["total"][start.frames :])
    return Block(
        start.frames,
        len(ms),
        float(ms.mean()),
        float(np.median(ms)),
        float(np.percentile(ms, 95)),
        1e3 * (cpu - start.cpu) / len(ms),
        times.keyframes - start.keyframes,
        status_mib("VmRSS") - before,
    )
