"""GTSAM's factors hold the backend's energy, with the Jacobians of finite differences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("gtsam", reason="pip install 'denseba_ros[benchmark]'")

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.solver.energy import energy
from denseba_ros.backend.solver.tensor_tree import map_tensors
from denseba_ros.benchmark.backend.general_solvers import thinned
from denseba_ros.benchmark.backend.gtsam_solver import gtsam, make_graph, make_values
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.geometry.pyramid import with_gradients

A, D, X = (getattr(gtsam.symbol_shorthand, letter) for letter in "ADX")


@pytest.fixture(scope="module")
def window() -> BenchmarkWindow:
    window = thinned(make_room_window(WindowSize(3, (40, 30)), torch.device("cpu")), 41)
    return map_tensors(window, lambda t: t.double() if t.is_floating_point() else t)


@pytest.mark.parametrize("level", [1, 2])
def test_the_graphs_error_is_the_energy(window: BenchmarkWindow, level: int) -> None:
    problem, start = window.problem, window.start
    graph = make_graph(problem, start, level)
    reference = patch_reference(problem, level)
    costs = TORCH_KERNEL.linearise(problem, reference, start, level).costs
    deeper = type(start)(start.T, start.affine, 1.1 * start.inverse_depth)
    for variables in (start, deeper):
        expected = energy(problem, reference, variables, level, costs, TORCH_KERNEL)
        assert graph.error(make_values(variables)) == pytest.approx(float(expected), rel=1e-9)


def test_jacobians_are_those_of_finite_differences(window: BenchmarkWindow) -> None:
    """On ramps, whose bilinear values have exactly the stored gradients."""
    image = window.problem.images[2]
    y, x = torch.meshgrid(*(torch.arange(float(n)) for n in image.shape[2:]), indexing="ij")
    ramps = torch.stack([50.0 + 3.0 * x - 2.0 * y, 40.0 + 3.0 * x - y, 45.0 + 2.0 * x - 2.0 * y])
    problem = replace(window.problem, images={2: with_gradients(ramps[:, None].double())})
    graph, values = make_graph(problem, window.start, 2), make_values(window.start)
    assert graph.size() > 120
    kinds = [[X(0), X(1), X(2)], [A(0), A(1), A(2)], [D(i) for i in range(90)]]
    ordering = gtsam.Ordering()
    for key in itertools.chain(*kinds):
        ordering.push_back(key)
    J, minus_r = graph.linearize(values).jacobian(ordering)
    parts = np.split(-J.T @ minus_r, [18, 24])
    for keys, gradient, size, step in zip(kinds, parts, (6, 2, 1), (1e-6, 1e-5, 1e-6), strict=True):
        numeric = []
        for key in keys:
            for column in range(size):
                delta = np.zeros(size)
                delta[column] = step
                ends = []
                for sign in (1.0, -1.0):
                    moved = gtsam.VectorValues()
                    moved.insert(key, sign * delta)
                    ends.append(graph.error(values.retract(moved)))
                numeric.append((ends[0] - ends[1]) / (2 * step))
        scale = np.abs(numeric).max()
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-5 * scale)
