"""The whole system on decoded images: speed, memory, and both over a long run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from denseba_ros.benchmark.stages import StageTimes
from denseba_ros.benchmark.timing import status_mib
from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.sequence import Frame
from denseba_ros.slam.system import System

BLOCK = 1000


@dataclass(frozen=True)
class Block:
    """So many frames in a row: milliseconds per frame and memory (MiB) after the last of them."""

    first: int
    frames: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    keyframes: int
    memory_mib: float


@dataclass(frozen=True)
class SystemResult:
    """``host_mib``, ``gpu_mib``: peak of the run beyond what libraries and images take."""

    times: StageTimes
    blocks: list[Block]
    host_mib: float
    gpu_mib: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            **self.times.as_json(),
            "host_mib": self.host_mib,
            "gpu_mib": self.gpu_mib,
            "blocks": [asdict(block) for block in self.blocks],
        }


def run_system(
    config: Config, calibration: Calibration, frames: Iterable[Frame], block: int = BLOCK
) -> SystemResult:
    """Process ``frames`` one after the other; reading them is not part of the times."""
    before = status_mib("VmRSS")
    system = System(config, calibration)
    device = system.frontend.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    times, blocks, peak, started = StageTimes(), [], before, 0
    keyframes = 0
    for frame in frames:
        begin = time.perf_counter()
        estimate = system.process(frame.stamp_ns, frame.image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.add(estimate, time.perf_counter() - begin)
        system.finished_keyframes()
        peak = max(peak, status_mib("VmRSS"))
        if times.frames - started == block:
            blocks.append(_block(times, started, keyframes, before))
            started, keyframes = times.frames, times.keyframes
    if times.frames > started:
        blocks.append(_block(times, started, keyframes, before))
    gpu = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return SystemResult(times, blocks, peak - before, gpu)


def _block(times: StageTimes, first: int, keyframes: int, before: float) -> Block:
    ms = 1e3 * np.array(times.seconds["total"][first:])
    return Block(
        first,
        len(ms),
        float(ms.mean()),
        float(np.median(ms)),
        float(np.percentile(ms, 95)),
        times.keyframes - keyframes,
        status_mib("VmRSS") - before,
    )
