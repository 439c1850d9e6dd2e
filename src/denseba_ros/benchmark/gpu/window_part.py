"""Part: two iterations of the bundle adjustment as one CUDA graph."""

from __future__ import annotations

import torch

from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.backend.solver.cuda_graph import CapturedBundleAdjustment
from denseba_ros.backend.solver.tensor_tree import tensors_of
from denseba_ros.benchmark.backend.backend_benchmark import SIZES, BackendResult, run_backend
from denseba_ros.benchmark.backend.floors import measure_rates
from denseba_ros.benchmark.backend.room_window import WindowSize, make_room_window
from denseba_ros.benchmark.gpu.figure import Figure, PartResult, largest
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.slam.mapping.local_mapper import DAMPING

BAR_MS, AIM_MS = 1.0, 0.3
_TRIAL = {"default": WindowSize(3, (40, 32), 100, 50), "dense": WindowSize(3, (40, 30))}
_REPEAT, _TRIAL_REPEAT = 200, 2


def run(job: GpuJob) -> PartResult:
    """Time the default and the dense window; compare the graph with what it was captured from.

    Raises:
        RuntimeError: without a fused kernel on the device.
    """
    if choose_kernel("auto", job.device) is choose_kernel("torch", job.device):
        raise RuntimeError("there is no fused kernel here: Triton is not installed")
    sizes, repeat = (_TRIAL, _TRIAL_REPEAT) if job.is_trial else (SIZES, _REPEAT)
    results = [run_backend(name, size, job.device, repeat, cap=0.0) for name, size in sizes.items()]
    figures = [figure for result in results for figure in _figures(result)]
    figures += _graph_figures(sizes["default"], job.device)
    details = {"windows": [r.as_json(measure_rates(job.device)) for r in results]}
    return PartResult(figures, details=details)


def _figures(result: BackendResult) -> list[Figure]:
    timing, is_dense = result.best.timing, result.name == "dense"
    bar, aim = (BAR_MS, AIM_MS) if is_dense else (None, None)
    name = f"{result.name} window, two iterations"
    worse = sum(after >= before for before, after in result.best.energies)
    return [
        Figure(f"{name}, median", 1e3 * timing.median, "ms", bar, aim),
        Figure(f"{name}, 95 %", 1e3 * timing.p95, "ms"),
        Figure(f"{name}, captured as a CUDA graph", result.best.graph, bar=1, is_least=True),
        Figure(f"{name} that lower no energy", worse, bar=0),
    ]


@torch.no_grad()
def _graph_figures(size: WindowSize, device: torch.device) -> list[Figure]:
    """Replays on two starts against the same iterations without a graph."""
    kernel = choose_kernel("auto", device)
    captured = CapturedBundleAdjustment.on(device, DAMPING, kernel)
    differences = []
    for seed in range(2):
        window = make_room_window(size, device, seed)
        inputs = (window.problem, window.start, window.levels)
        for a, b in zip(
            tensors_of(captured(*inputs)),
            tensors_of(adjust(*inputs, DAMPING, kernel)),
            strict=True,
        ):
            differences.append(float((a.double() - b.double()).abs().max()))
    return [
        Figure(
            "largest difference of a replay from the same without a graph",
            largest(differences),
            bar=0.0,
        ),
        Figure("captures that failed", captured.failures, bar=0),
    ]
