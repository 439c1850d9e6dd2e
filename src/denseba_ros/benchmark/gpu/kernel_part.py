"""Part: the Triton kernels against plain torch in float64, on windows of the rendered room."""

from __future__ import annotations

from dataclasses import fields, replace

import torch

from denseba_ros.backend.kernels.interface import NormalEquations, PairKernel
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import Noise
from denseba_ros.benchmark.backend.backend_benchmark import SIZES
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.benchmark.gpu.figure import Figure, PartResult, largest
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.benchmark.gpu.kernel_agreement import (
    STEP_BAR,
    SUM_BAR,
    in_double,
    step_differences,
    sum_differences,
)

# Sums are compared on a small window and on its fine level alone: Triton takes seconds to compile
# its kernels for each camera, level and dtype.
_SMALL = WindowSize(3, (80, 60), 150, 50)
_TRIAL = WindowSize(2, (40, 30), 100, 50)
# For the sums: numbers that are exact in float32, in which Triton's interpreter keeps constants.
_EXACT = Noise(intensity=8.0, huber=1.0, cutoff=3.0, pixel=0.5, pixel_cutoff=3.0)


@torch.no_grad()
def run(job: GpuJob) -> PartResult:
    """Sums in float64, steps in float32, and the same bits when repeated.

    Raises:
        ImportError: without Triton.
        ValueError: when the kernels differ in more than rounding.
    """
    # Triton comes with torch's CUDA wheels, and nothing else here needs it.
    from denseba_ros.backend.kernels.triton_kernel import TRITON_KERNEL

    small = make_room_window(_TRIAL if job.is_trial else _SMALL, job.device)
    windows = {"small": small}
    if not job.is_trial:
        windows = {name: make_room_window(size, job.device) for name, size in SIZES.items()}
    figures = [_sums(TRITON_KERNEL, small)]
    details = {}
    for name, window in windows.items():
        steps, details[name] = _steps(TRITON_KERNEL, name, window)
        figures += steps
    figures.append(_repeated(TRITON_KERNEL, next(iter(windows.values()))))
    return PartResult(figures, details=details)


def _sums(kernel: PairKernel, window: BenchmarkWindow) -> Figure:
    """The largest difference of any sum, both kernels in float64."""
    double = in_double(window)
    problem = replace(double.problem, noise=_EXACT)
    differences = sum_differences(kernel, problem, double.start, window.levels[-1])
    return Figure("sums in float64, largest difference", largest(differences.values()), bar=SUM_BAR)


def _steps(
    kernel: PairKernel, name: str, window: BenchmarkWindow
) -> tuple[list[Figure], dict[str, dict[str, float]]]:
    """The worst unknown's step on either level, the patches apart, and all as details."""
    by_level, apart = {}, 0
    for level in window.levels:
        by_level[f"level {level}"], patches = step_differences(kernel, window, level)
        apart += patches
    worst = largest(difference for found in by_level.values() for difference in found.values())
    return [
        Figure(f"{name} window: step in float32, largest difference", worst, bar=STEP_BAR),
        Figure(f"{name} window: patches that count in one alone", apart),
    ], by_level


def _repeated(kernel: PairKernel, window: BenchmarkWindow) -> Figure:
    level = window.levels[-1]
    reference = patch_reference(window.problem, level)
    first, second = (
        kernel.linearise(window.problem, reference, window.start, level) for _ in range(2)
    )
    return Figure("sums that change when repeated", _changed(first, second), bar=0.0)


def _changed(first: NormalEquations, second: NormalEquations) -> int:
    names = [field.name for field in fields(first)]
    return sum(not torch.equal(getattr(first, name), getattr(second, name)) for name in names)
