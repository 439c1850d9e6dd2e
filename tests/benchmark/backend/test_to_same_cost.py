"""L-BFGS raced to the energy of the Schur solver."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.benchmark.backend.room_window import BenchmarkWindow, WindowSize, make_room_window
from denseba_ros.benchmark.backend.to_same_cost import lbfgs, to_same_cost


@pytest.fixture(scope="module")
def window() -> BenchmarkWindow:
    return make_room_window(WindowSize(3, (40, 30)), torch.device("cpu"))


def test_it_stops_at_the_energy_that_schur_reached(window: BenchmarkWindow) -> None:
    schur = adjust(window.problem, window.start, window.levels, 1e-4)
    races = to_same_cost("L-BFGS", lbfgs, window, 1e-4, cap_seconds=60.0)
    assert [race.level for race in races] == list(window.levels)
    for race, (_, after) in zip(races, schur.energies.tolist(), strict=True):
        assert race.target == pytest.approx(after, rel=1e-6)
        assert race.reached
        assert race.energy <= race.target
        assert race.evaluations > 1
        assert race.seconds > 0.0


def test_the_time_limit_ends_it_and_is_reported(window: BenchmarkWindow) -> None:
    for race in to_same_cost("L-BFGS", lbfgs, window, 1e-4, cap_seconds=0.0):
        assert not race.reached
        assert race.evaluations == 1
        assert race.energy > race.target
