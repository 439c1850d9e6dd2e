"""Replay of recorded adjustments, with a recorder that runs the function again on the CPU.

What a CUDA graph adds, replaying launches on the same memory, needs a GPU; what may go wrong
around it does not: stale inputs, results that the next replay overwrites, and operations in
``adjust`` that a capture forbids.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.solver import schur
from denseba_ros.backend.solver.bundle_adjustment import BundleAdjustmentResult, adjust
from denseba_ros.backend.solver.cuda_graph import CapturedBundleAdjustment, record_cuda_graph
from denseba_ros.backend.solver.tensor_tree import tensors_of

pytestmark = pytest.mark.slow

_LEVELS, _DAMPING = (2, 1), 1e-4


class Recorder:
    """Records as a graph does: results stay where they are and are overwritten by a replay."""

    def __init__(self) -> None:
        self.records = 0

    def __call__(
        self, function: Callable[[], BundleAdjustmentResult]
    ) -> tuple[BundleAdjustmentResult, Callable[[], None]]:
        self.records += 1
        result = function()

        def replay() -> None:
            for place, value in zip(tensors_of(result), tensors_of(function()), strict=True):
                place.copy_(value)

        for place in tensors_of(result):
            place.zero_()
        return result, replay


def _assert_equal(first: BundleAdjustmentResult, second: BundleAdjustmentResult) -> None:
    for a, b in zip(tensors_of(first), tensors_of(second), strict=True):
        assert torch.equal(a, b)


def test_a_replay_adjusts_the_window_at_hand(tiny_window: Any) -> None:
    recorder = Recorder()
    graphed = CapturedBundleAdjustment(_DAMPING, TORCH_KERNEL, recorder)
    results = []
    starts = [tiny_window.start(0.005, 0.2, 0.05, seed) for seed in range(3)]
    for problem, variables in starts:
        results.append(graphed(problem, variables, _LEVELS))
    assert recorder.records == 1
    assert graphed.recorded
    # Compared at the end, when later replays have written over what an alias would show.
    for (problem, variables), result in zip(starts, results, strict=True):
        expected = adjust(problem, variables, _LEVELS, _DAMPING)
        assert expected.accepted.all()
        _assert_equal(result, expected)


def test_the_callers_tensors_are_left_alone(tiny_window: Any) -> None:
    problem, variables = tiny_window.start(0.005, 0.2, 0.05)
    before = [tensor.clone() for tensor in (*tensors_of(problem), *tensors_of(variables))]
    graphed = CapturedBundleAdjustment(_DAMPING, TORCH_KERNEL, Recorder())
    graphed(problem, variables, _LEVELS)
    graphed(*tiny_window.start(0.005, 0.2, 0.05, seed=1), _LEVELS)
    for tensor, old in zip((*tensors_of(problem), *tensors_of(variables)), before, strict=True):
        assert torch.equal(tensor, old)


def test_another_shape_noise_or_level_is_another_recording(tiny_window: Any) -> None:
    recorder = Recorder()
    graphed = CapturedBundleAdjustment(_DAMPING, TORCH_KERNEL, recorder)
    problem, variables = tiny_window.start(0.005, 0.2, 0.05)
    louder = replace(problem, noise=replace(problem.noise, intensity=9.0))
    alone = replace(variables, inverse_depth=variables.inverse_depth[1:2])
    cases = [
        (problem, variables, _LEVELS),
        (problem, variables, (1,)),
        (louder, variables, _LEVELS),
        (problem.only_host(1), alone, _LEVELS),
    ]
    for _ in range(2):
        for case in cases:
            _assert_equal(graphed(*case), adjust(*case, _DAMPING))
    assert recorder.records == len(cases)


def test_where_recording_fails_it_runs_as_it_is_and_says_so_once(
    tiny_window: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def impossible(function: Callable[[], BundleAdjustmentResult]) -> Any:
        tries.append(function)
        raise RuntimeError("operation not permitted when stream is capturing")

    graphed = CapturedBundleAdjustment(_DAMPING, TORCH_KERNEL, impossible)
    problem, variables = tiny_window.start(0.005, 0.2, 0.05)
    with caplog.at_level(logging.WARNING):
        for levels in (_LEVELS, _LEVELS, (1,)):
            expected = adjust(problem, variables, levels, _DAMPING)
            _assert_equal(graphed(problem, variables, levels), expected)
    assert len(tries) == graphed.failures == 2
    assert not graphed.recorded
    assert len(caplog.records) == 1
    assert "not permitted" in caplog.text


def test_without_a_gpu_nothing_is_recorded(tiny_window: Any) -> None:
    problem, variables = tiny_window.start(0.005, 0.2, 0.05)
    graphed = CapturedBundleAdjustment.on(torch.device("cpu"), _DAMPING, TORCH_KERNEL)
    expected = adjust(problem, variables, _LEVELS, _DAMPING)
    _assert_equal(graphed(problem, variables, _LEVELS), expected)
    assert graphed.failures == 0


# Operations that wait for the device or whose result's shape depends on data.
_FORBIDDEN = (
    "aten._local_scalar_dense",
    "aten.nonzero",
    "aten.masked_select",
    "aten.lift_fresh",
    "aten._linalg_check_errors",
    "aten.unique",
)


class _CaptureRules(TorchDispatchMode):
    """Fails at what a capture forbids."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func)
        # A single number is no copy: assigning it fills on the device.
        number = name.startswith("aten.lift_fresh") and args[0].dim() == 0
        assert number or not name.startswith(_FORBIDDEN), f"{name} cannot be captured"
        if name.startswith(("aten.index.", "aten.index_put")):
            for index in args[1]:
                assert index is None or index.dtype != torch.bool, f"{name} by a mask"
        return func(*args, **(kwargs or {}))


def test_the_rules_catch_what_a_capture_forbids() -> None:
    x = torch.arange(3.0)
    H = torch.eye(3)
    for broken in (
        lambda: float(x[0]),
        lambda: x[x > 1],
        lambda: x.new_tensor([1.0, 2.0]),
        lambda: torch.linalg.solve(H, x),
        lambda: torch.nonzero(x),
    ):
        with _CaptureRules(), pytest.raises(AssertionError):
            broken()


@torch.no_grad()
def test_the_adjustment_does_nothing_that_a_capture_forbids(
    tiny_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schur, "_eliminate_on_cpu", schur._eliminate_at_once)
    problem, variables = tiny_window.start(0.005, 0.2, 0.05)
    expected = adjust(problem, variables, _LEVELS, _DAMPING)  # constants are copied here once
    with _CaptureRules():
        result = adjust(problem, variables, _LEVELS, _DAMPING)
    _assert_equal(result, expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_cuda_graph_gives_the_same_result(tiny_window: Any) -> None:
    from denseba_ros.backend.kernels.selection import choose_kernel
    from denseba_ros.backend.solver.tensor_tree import map_tensors

    device = torch.device("cuda")
    kernel = choose_kernel("auto", device)
    graphed = CapturedBundleAdjustment(_DAMPING, kernel, record_cuda_graph)
    for seed in range(3):
        start = tiny_window.start(0.005, 0.2, 0.05, seed)
        problem, variables = (map_tensors(value, lambda t: t.cuda()) for value in start)
        expected = adjust(problem, variables, _LEVELS, _DAMPING, kernel)
        _assert_equal(graphed(problem, variables, _LEVELS), expected)
    assert graphed.failures == 0
