"""All iterations as one CUDA graph: captured once a shape of window, replayed afterwards.

A graph repeats the same launches on the same memory, so that no time goes into launching some
hundred small operations from Python. ``adjust`` may be captured because it never waits for the
device and no shape in it depends on data.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.photometric import PatchReference
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.solver.bundle_adjustment import BundleAdjustmentResult, adjust
from denseba_ros.backend.solver.tensor_tree import map_tensors, signature, tensors_of

# Runs before a capture: kernels are compiled, libraries make their handles.
_WARM_UP = 2
_log = logging.getLogger(__name__)

# Runs a function once and gives its results with what runs it again into the same memory.
Recorder = Callable[
    [Callable[[], BundleAdjustmentResult]], tuple[BundleAdjustmentResult, Callable[[], None]]
]


def record_cuda_graph(
    function: Callable[[], BundleAdjustmentResult],
) -> tuple[BundleAdjustmentResult, Callable[[], None]]:
    """Capture ``function`` into a CUDA graph.

    Raises:
        RuntimeError: when something in it cannot be captured.
    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            function()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # thread_local: other threads, such as the frontend's, may go on allocating meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        result = function()
    return result, graph.replay


@dataclass(frozen=True)
class _Recording:
    """Memory that the graph reads, that it writes, and what runs it."""

    inputs: tuple[Problem, Variables]
    result: BundleAdjustmentResult
    replay: Callable[[], None]


class CapturedBundleAdjustment:
    """``adjust`` with the same result, replayed where there is a ``recorder``.

    Args:
        damping, kernel: as of ``adjust``.
        recorder: how to record on the device; None runs ``adjust`` as it is.

    ``failures`` counts the shapes of windows that could not be recorded and run as they are.
    """

    def __init__(self, damping: float, kernel: PairKernel, recorder: Recorder | None) -> None:
        self.failures = 0
        self._damping, self._kernel, self._recorder = damping, kernel, recorder
        self._recordings: dict[tuple[Any, ...], _Recording | None] = {}

    @classmethod
    def on(
        cls, device: torch.device, damping: float, kernel: PairKernel
    ) -> CapturedBundleAdjustment:
        """With CUDA graphs on a GPU, without elsewhere."""
        return cls(damping, kernel, record_cuda_graph if device.type == "cuda" else None)

    @property
    def recorded(self) -> bool:
        """Whether any shape of window is replayed."""
        return any(recording is not None for recording in self._recordings.values())

    @torch.no_grad()
    def __call__(
        self,
        problem: Problem,
        variables: Variables,
        levels: tuple[int, ...],
        references: Mapping[int, PatchReference] | None = None,
    ) -> BundleAdjustmentResult:
        """As ``adjust``, without gradients; the result is the caller's to keep. What is recorded
        cuts the patches itself."""
        recording = None
        if self._recorder is not None:
            key = (levels, *signature(problem), *signature(variables))
            if key not in self._recordings:
                self._recordings[key] = self._record(self._recorder, problem, variables, levels)
            recording = self._recordings[key]
        if recording is None:
            return adjust(problem, variables, levels, self._damping, self._kernel, references)
        for buffer, value in zip(
            _tensors(*recording.inputs), _tensors(problem, variables), strict=True
        ):
            buffer.copy_(value)
        recording.replay()
        return map_tensors(recording.result, torch.clone)

    def _record(
        self, recorder: Recorder, problem: Problem, variables: Variables, levels: tuple[int, ...]
    ) -> _Recording | None:
        inputs = (map_tensors(problem, torch.clone), map_tensors(variables, torch.clone))
        try:
            result, replay = recorder(lambda: adjust(*inputs, levels, self._damping, self._kernel))
        except RuntimeError as error:
            self.failures += 1
            if self.failures == 1:
                _log.warning("the adjustment runs without a CUDA graph: %s", error)
            return None
        return _Recording(inputs, result, replay)


def _tensors(problem: Problem, variables: Variables) -> list[torch.Tensor]:
    return tensors_of(problem) + tensors_of(variables)
