"""The benchmark's window: its sizes, and that it is a problem worth solving."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window

_CPU = torch.device("cpu")
_SMALL = WindowSize(3, (40, 30))


@pytest.fixture(scope="module")
def window() -> BenchmarkWindow:
    return make_room_window(_SMALL, _CPU)


def test_every_cell_of_the_grid_is_a_point(window: BenchmarkWindow) -> None:
    problem = window.problem
    assert problem.pixels.shape == (3, 1200, 2)
    assert problem.valid.all()
    assert problem.observed.shape == (3, 3, 0, 2)
    assert problem.inverse_depth_map.shape == (3, 2, 30, 40)
    assert set(problem.images) == set(window.levels)
    assert torch.equal(problem.pixels[0, 41], torch.tensor([5.5, 5.5]))


def test_points_and_corners_are_those_of_the_system() -> None:
    problem = make_room_window(WindowSize(3, (80, 60), 200, 60), _CPU).problem
    assert problem.pixels.shape == (3, 260, 2)
    assert problem.observed.shape == (3, 3, 60, 2)
    assert problem.observed_ok.sum() > 60


def test_two_iterations_lower_the_energy(window: BenchmarkWindow) -> None:
    result = adjust(window.problem, window.start, window.levels, 1e-4)
    assert result.accepted.all()
    assert (result.energies[:, 1] < 0.97 * result.energies[:, 0]).all()


def test_the_first_frame_fixes_the_gauge(window: BenchmarkWindow) -> None:
    assert torch.allclose(window.start.T[0], torch.eye(4, dtype=torch.float64), atol=1e-12)
    assert not torch.allclose(window.start.T[1], window.problem.pose_prior.T[1])


def test_the_same_seed_gives_the_same_window(window: BenchmarkWindow) -> None:
    again, other = (make_room_window(_SMALL, _CPU, seed) for seed in (0, 1))
    assert torch.equal(window.start.inverse_depth, again.start.inverse_depth)
    assert not torch.equal(window.start.inverse_depth, other.start.inverse_depth)
