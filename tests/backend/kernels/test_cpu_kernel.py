"""The compiled sums over pairs against those of plain torch in float64."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from denseba_ros.backend.kernels import cpu_loops as pair_loops
from denseba_ros.backend.kernels.cpu_kernel import FusedCpuKernel
from denseba_ros.backend.kernels.interface import NormalEquations
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.backend.solver.schur import solve

# Relative to the largest of its kind, beyond what single precision costs plain torch as well: a
# pixel far outside the image or a point behind the camera leaves it few digits.
_SUMS, _ENERGY, _STEP, _LIKE_TORCH = 1e-4, 1e-5, 1e-3, 2.0

_windows = {
    "seed": st.integers(0, 2**32 - 1),
    "keyframes": st.integers(2, 5),
    "points": st.integers(1, 150),  # more than a chunk, and less
    "width": st.integers(61, 131),
    "height": st.integers(47, 97),
    "spread": st.sampled_from([0.02, 0.1, 0.3, 1.0]),
}
_examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="session")
def fused() -> FusedCpuKernel:
    return FusedCpuKernel()


def _sums(kernel: Any, window: Any, level: int) -> NormalEquations:
    reference = patch_reference(window.problem, level)
    return kernel.linearise(window.problem, reference, window.variables, level)


def _relative(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference over the largest entry."""
    if expected.numel() == 0:
        return 0.0
    size = float(expected.abs().max())
    return float((actual.double() - expected).abs().max()) / (size or 1.0)


def _blocks(linearise: NormalEquations) -> dict[str, torch.Tensor]:
    """Its numbers, pose and brightness apart because their units are."""
    pose, light = slice(0, 6), slice(6, 8)
    mixed = linearise.H_mixed.unflatten(-1, (-1, 8))
    return {
        "pose": linearise.H_pair[..., pose, pose],
        "pose and light": linearise.H_pair[..., pose, light],
        "light": linearise.H_pair[..., light, light],
        "b of pose": linearise.b_pair[..., pose],
        "b of light": linearise.b_pair[..., light],
        "depth": linearise.H_depth,
        "b of depth": linearise.b_depth,
        "depth and pose": mixed[..., pose],
        "depth and light": mixed[..., light],
        "energy": linearise.energy,
    }


def _one_host(window: Any, index: int) -> Any:
    own = window.variables.inverse_depth[index : index + 1]
    return replace(
        window,
        problem=window.problem.only_host(index),
        variables=replace(window.variables, inverse_depth=own),
    )


@_examples
@given(corners=st.integers(0, 80), level=st.integers(0, 2), alone=st.booleans(), **_windows)
@pytest.mark.slow
def test_sums_and_energies_are_those_of_the_reference(
    drawn: Any, fused: FusedCpuKernel, corners: int, level: int, alone: bool, **size: Any
) -> None:
    window = drawn.window(corners=min(corners, size["points"]), **size)
    if alone:
        window = _one_host(window, 1)
    exact = drawn.in_float64(window)
    actual, expected = _sums(fused, window, level), _sums(TORCH_KERNEL, exact, level)
    # A patch on the very edge of a threshold may fall on either side of it by rounding.
    differ = (actual.costs >= 0) != (expected.costs >= 0)
    assert int(differ.sum()) <= 1
    assume(not differ.any())
    assert _relative(actual.costs, expected.costs) < _ENERGY
    wanted, single = _blocks(expected), _blocks(_sums(TORCH_KERNEL, window, level))
    wrong = {}
    for name, block in _blocks(actual).items():
        allowed = _SUMS + _LIKE_TORCH * _relative(single[name], wanted[name])
        if _relative(block, wanted[name]) > allowed:
            wrong[name] = (_relative(block, wanted[name]), allowed)
    assert wrong == {}
    assert torch.equal(actual.chain, expected.chain)
    reference, costs = patch_reference(window.problem, level), actual.costs
    again = fused.energy(window.problem, reference, window.variables, level, costs)
    assert _relative(again, actual.energy) < _ENERGY


@_examples
@given(corners=st.integers(0, 80), level=st.integers(0, 2), **_windows)
@pytest.mark.slow
def test_the_solved_step_is_that_of_the_reference(
    drawn: Any, fused: FusedCpuKernel, corners: int, level: int, **size: Any
) -> None:
    window = drawn.window(corners=min(corners, size["points"]), **size)
    steps, counts, costs, energies = [], [], [], []
    exact = drawn.in_float64(window)
    for kernel, w in ((fused, window), (TORCH_KERNEL, exact), (TORCH_KERNEL, window)):
        reference = patch_reference(w.problem, level)
        system = linearise(w.problem, reference, w.variables, level, kernel)
        steps.append(solve(system, 1e-4))
        counts.append(system.counts)
        costs.append(system.costs)
        moved = w.variables.retracted(0.1 * steps[0].frames, 0.1 * steps[0].depths)
        energies.append(kernel.energy(w.problem, reference, moved, level, costs[-1]))
    assume(all(torch.equal(counts[0], other) for other in counts[1:]))
    actual, expected, single = steps
    assert actual.ok
    assert expected.ok
    for part in (slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8)):
        like_torch = _LIKE_TORCH * _relative(single.frames[:, part], expected.frames[:, part])
        assert _relative(actual.frames[:, part], expected.frames[:, part]) < _STEP + like_torch
    like_torch = _LIKE_TORCH * _relative(single.depths, expected.depths)
    assert _relative(actual.depths, expected.depths) < _STEP + like_torch
    # A patch that leaves the image by rounding alone changes the energy by its cap.
    assert _relative(energies[0], energies[1]) < 1e-3


def test_on_the_room_the_step_is_that_of_the_reference(
    drawn: Any, room_window: Any, fused: FusedCpuKernel
) -> None:
    problem, variables = room_window.start(0.007, 0.3, 0.09)
    for level in (2, 1):
        steps = []
        for kernel, double in ((fused, False), (TORCH_KERNEL, True)):
            w = drawn.of(problem, variables)
            w = drawn.in_float64(w) if double else w
            reference = patch_reference(w.problem, level)
            steps.append(solve(linearise(w.problem, reference, w.variables, level, kernel), 1e-4))
        assert _relative(steps[0].frames[:, :6], steps[1].frames[:, :6]) < _STEP
        assert _relative(steps[0].depths, steps[1].depths) < _STEP


def test_nothing_that_is_not_a_number_is_used_as_a_place(drawn: Any, fused: FusedCpuKernel) -> None:
    window = drawn.window(1, 3, 20, 5, 80, 60, 0.02)
    T = window.variables.T.clone()
    T[1] = float("nan")
    lost = replace(window, variables=replace(window.variables, T=T))
    linearise = _sums(fused, lost, 0)
    assert not (linearise.costs[:, 1] >= 0).any()
    assert (linearise.costs[0, 2] >= 0).any()


def _equal(a: NormalEquations, b: NormalEquations) -> bool:
    return all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(NormalEquations))


def test_the_result_does_not_depend_on_threads(drawn: Any, fused: FusedCpuKernel) -> None:
    window = drawn.window(2, 4, 300, 100, 120, 90, 0.02)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            results.append(_sums(fused, window, 1))
    finally:
        torch.set_num_threads(before)
    assert (results[0].costs >= 0).any()
    assert all(_equal(results[0], other) for other in results[1:])


def test_callers_in_several_threads_do_not_disturb_each_other(
    drawn: Any, fused: FusedCpuKernel
) -> None:
    windows = [drawn.window(seed, 4, 200, 50, 120, 90, 0.02) for seed in range(4)]
    alone = [_sums(fused, w, 1) for w in windows]
    with ThreadPoolExecutor(4) as callers:
        together = list(callers.map(lambda w: _sums(fused, w, 1), windows * 8))
    assert all(_equal(a, b) for a, b in zip(alone * 8, together, strict=True))


def test_loops_are_compiled_when_the_kernel_is_made(drawn: Any, fused: FusedCpuKernel) -> None:
    """... and never again for a real window: one signature each."""
    window = _one_host(drawn.window(3, 3, 70, 10, 80, 60, 0.02), 2)
    costs = _sums(fused, window, 1).costs
    fused.energy(window.problem, patch_reference(window.problem, 1), window.variables, 1, costs)
    loops: list[Any] = [pair_loops.linearise_pieces, pair_loops.energy_pieces]
    assert [len(loop.signatures) for loop in loops] == [1, 1]


def test_double_precision_is_refused(drawn: Any, fused: FusedCpuKernel) -> None:
    window = drawn.in_float64(drawn.window(1, 2, 5, 2, 80, 60, 0.02))
    with pytest.raises(ValueError, match="float32, not float64"):
        _sums(fused, window, 0)


def test_a_cache_folder_that_cannot_be_written_only_costs_time() -> None:
    """The file system offers no folder to any locator: compiled in memory, with a warning."""
    program = (
        "import logging, tempfile; logging.basicConfig()\n"
        "def refuse(*args, **kwargs): raise PermissionError('read-only')\n"
        "tempfile.TemporaryFile = refuse\n"
        "from denseba_ros.numba_jit import numba_jit\n"
        "@numba_jit()\n"
        "def double(x): return 2 * x\n"
        "print(double(21))\n"
    )
    # Functions of the command line have no file; a module's have.
    environment = {**os.environ, "NUMBA_CACHE_DIR": "/dev/null/nothing"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "42"
    assert "compiled again by every process" in done.stderr
