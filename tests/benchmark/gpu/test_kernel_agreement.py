"""The comparison of kernels sees a kernel that is wrong in one sum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from denseba_ros.backend.kernels.interface import NormalEquations
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL, TorchKernel
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.benchmark.gpu.kernel_agreement import (
    STEP_BAR,
    in_double,
    step_differences,
    sum_differences,
)


class WrongKernel(TorchKernel):
    """Plain torch, but for one field of the sums."""

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def linearise(self, *arguments: Any) -> NormalEquations:
        sums = super().linearise(*arguments)
        changed = {name: change(getattr(sums, name)) for name, change in self._changes.items()}
        return replace(sums, **changed)


@pytest.fixture(scope="module")
def window() -> BenchmarkWindow:
    return make_room_window(WindowSize(3, (20, 15), 100, 50), torch.device("cpu"))


def test_plain_torch_agrees_with_itself(window: BenchmarkWindow) -> None:
    level = window.levels[0]
    differences = sum_differences(TORCH_KERNEL, window.problem, window.start, level)
    assert set(differences.values()) == {0.0}
    steps, apart = step_differences(TORCH_KERNEL, window, level)
    assert all(0.0 < difference < STEP_BAR for difference in steps.values())
    assert apart <= 1


@pytest.mark.parametrize("name", ["H_depth", "b_depth", "H_mixed", "H_pair", "energy"])
def test_a_sum_that_is_off_shows(window: BenchmarkWindow, name: str) -> None:
    level = window.levels[0]
    kernel = WrongKernel(**{name: lambda value: 1.01 * value})
    differences = sum_differences(kernel, window.problem, window.start, level)
    assert differences.pop(name) == pytest.approx(0.01, rel=1e-3)
    assert set(differences.values()) == {0.0}


def test_a_wrong_gradient_shows_in_the_step(window: BenchmarkWindow) -> None:
    kernel = WrongKernel(b_depth=lambda value: 1.01 * value)
    steps, _ = step_differences(kernel, window, window.levels[0])
    assert steps["inverse depth"] > STEP_BAR


def test_not_a_number_shows(window: BenchmarkWindow) -> None:
    kernel = WrongKernel(b_depth=lambda value: value * torch.nan)
    differences = sum_differences(kernel, window.problem, window.start, window.levels[0])
    assert not differences["b_depth"] < 1.0


def test_other_patches_or_another_dtype_are_refused(window: BenchmarkWindow) -> None:
    inputs = (in_double(window).problem, in_double(window).start, window.levels[0])
    with pytest.raises(ValueError, match="count in one kernel alone"):
        sum_differences(WrongKernel(costs=lambda value: -value), *inputs)
    with pytest.raises(ValueError, match=r"b_depth is torch\.float32"):
        sum_differences(WrongKernel(b_depth=torch.Tensor.float), *inputs)
