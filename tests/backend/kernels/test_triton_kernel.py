"""The Triton kernels against plain torch: on a GPU where there is one, else interpreted.

The interpreter (switched on in tests/conftest.py) runs the same source program by program with
NumPy. That it also compiles for a GPU is tested apart (test_triton_compile.py).
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton", reason="Triton comes with torch's CUDA wheels and the dev extra")

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.kernels.triton_kernel import BLOCK, TRITON_KERNEL
from denseba_ros.backend.photometric import patch_reference, patch_residual
from denseba_ros.backend.problem import Noise, Problem, Variables
from denseba_ros.backend.solver.tensor_tree import map_tensors
from denseba_ros.benchmark.backend.room_window import (
    BenchmarkWindow,
    WindowSize,
    make_room_window,
)
from denseba_ros.benchmark.gpu.kernel_agreement import (
    STEP_BAR,
    SUM_BAR,
    step_differences,
    sum_differences,
)
from denseba_ros.geometry import se3

pytestmark = [pytest.mark.slow, pytest.mark.gpu]

_DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
_ROBUST = Noise(intensity=8.0, huber=1.0, cutoff=3.0, pixel=0.7, pixel_cutoff=3.0)


def _on_device(value: Any) -> Any:
    return map_tensors(value, lambda tensor: tensor.to(_DEVICE))


def _assert_same(problem: Problem, variables: Variables, level: int) -> Tensor:
    """In float64 all sums, and the energy at other variables, agree with plain torch; returns what
    counts, (G, K, N) bool."""
    problem, variables = _on_device(problem), _on_device(variables)
    for name, difference in sum_differences(TRITON_KERNEL, problem, variables, level).items():
        assert difference < SUM_BAR, name
    reference = patch_reference(problem, level)
    return TORCH_KERNEL.linearise(problem, reference, variables, level).costs >= 0


@pytest.mark.parametrize("level", [0, 1])
def test_it_equals_plain_torch(algebra: Any, level: int) -> None:
    """In float64, points of more than one block, corners, robust weights and cutoffs."""
    window = algebra.window(algebra.clouds, points=BLOCK + 6, noise=_ROBUST)
    problem = replace(window.problem, uses_first_estimate=torch.tensor([True, False, False]))
    counts = _assert_same(problem, window.variables, level)
    others = ~torch.eye(3, dtype=torch.bool, device=counts.device)
    assert 0.05 < float(counts[others].float().mean()) < 0.95


def test_points_behind_and_outside_do_not_count(algebra: Any) -> None:
    """Turned away, moved past the points, and so far aside that nothing is in the image."""
    window = algebra.window(algebra.ramps)
    steps = torch.tensor(
        [[0, 0, 0, 0, 3.0, 0], [0, 0, -4.0, 0, 0, 0], [9.0, 0, 0, 0, 0, 0]], dtype=torch.float64
    )
    for step in steps:
        T = window.variables.T.clone()
        T[1] = se3.exp(step[None])[0] @ T[1]
        counts = _assert_same(window.problem, replace(window.variables, T=T), 0)
        assert not counts[0, 1].any()
        assert counts[0, 2].any()


def test_points_behind_the_surface_do_not_count(algebra: Any) -> None:
    window = algebra.window(algebra.ramps)
    inverse_depth_map = window.problem.inverse_depth_map.clone()
    inverse_depth_map[2, 0], inverse_depth_map[2, 1] = 5.0, 0.05
    counts = _assert_same(
        replace(window.problem, inverse_depth_map=inverse_depth_map), window.variables, 0
    )
    assert not counts[0, 2].any()
    assert counts[0, 1].any()
    inverse_depth_map[2, 1] = 0.5  # not known well enough to hide anything
    counts = _assert_same(
        replace(window.problem, inverse_depth_map=inverse_depth_map), window.variables, 0
    )
    assert counts[0, 2].any()


def test_points_that_are_not_valid_and_unseen_corners(algebra: Any) -> None:
    window = algebra.window(algebra.ramps)
    problem = window.problem
    valid, seen = problem.valid.clone(), problem.observed_ok.clone()
    valid[1, ::2] = False
    seen[0, 2] = False
    problem = replace(problem, valid=valid, observed_ok=seen)
    counts = _assert_same(problem, window.variables, 1)
    assert not counts[1, :, ::2].any()


def test_without_corners(algebra: Any) -> None:
    window = algebra.window(algebra.ramps, corners=0)
    assert _assert_same(window.problem, window.variables, 0).any()


def test_one_host_alone(algebra: Any) -> None:
    """What marginalisation linearises."""
    window = algebra.window(algebra.clouds)
    own = replace(window.variables, inverse_depth=window.variables.inverse_depth[1:2])
    assert _assert_same(window.problem.only_host(1), own, 0).any()


def test_one_keyframe_has_no_pair(algebra: Any) -> None:
    window = algebra.window(algebra.ramps, keyframes=1)
    assert not _assert_same(window.problem, window.variables, 0).any()


@pytest.fixture(scope="module")
def room() -> BenchmarkWindow:
    window = make_room_window(WindowSize(3, (80, 60), 150, 50), torch.device("cpu"))
    return _on_device(window)


def test_in_single_precision_the_step_is_that_of_double(room: BenchmarkWindow) -> None:
    """The bar: 1e-3 of the step, for each kind of unknown."""
    for level in room.levels:
        steps, apart = step_differences(TRITON_KERNEL, room, level)
        # A patch at the very cutoff may fall to either side of it.
        assert apart <= 1
        assert len(steps) == 5
        for name, difference in steps.items():
            assert difference < STEP_BAR, name


def test_the_room_hides_some_points_and_cuts_some_patches_off(room: BenchmarkWindow) -> None:
    """Otherwise the agreement above would say little."""
    level = room.levels[0]
    residual = patch_residual(room.problem, patch_reference(room.problem, level), room.start, level)
    assert 0.2 < float(residual.counts.float().mean()) < 0.6
    assert int(room.problem.observed_ok.sum()) > 50


def test_repeated_it_is_bit_identical(room: BenchmarkWindow) -> None:
    level = room.levels[1]
    reference = patch_reference(room.problem, level)
    first, second = (
        TRITON_KERNEL.linearise(room.problem, reference, room.start, level) for _ in range(2)
    )
    for field in fields(first):
        assert torch.equal(getattr(first, field.name), getattr(second, field.name))
