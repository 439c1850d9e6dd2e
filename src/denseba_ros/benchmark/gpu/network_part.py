"""Part: the depth and the pose network, one image at a time."""

from __future__ import annotations

import torch

from denseba_ros.benchmark.gpu.figure import Figure, PartResult
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.benchmark.system.networks import run_networks
from denseba_ros.config import FrontendConfig

BAR_MS = 2.0
_REPEAT, _TRIAL_REPEAT = 200, 2


@torch.inference_mode()
def run(job: GpuJob) -> PartResult:
    """Median latency of both networks for each camera, transfers included."""
    repeat = _TRIAL_REPEAT if job.is_trial else _REPEAT
    config = FrontendConfig(depth_model="network", pose_model="network")
    timings = run_networks(config, job.device, repeat)
    figures = [
        Figure(f"{t.model} network, {t.camera}", 1e3 * t.timing.median, "ms", BAR_MS)
        for t in timings
    ]
    return PartResult(figures, details={"networks": [t.as_json() for t in timings]})
