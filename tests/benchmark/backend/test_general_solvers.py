"""General solvers raced on the window they can take."""

from __future__ import annotations

import importlib

import pytest
import torch

from denseba_ros.benchmark.backend import general_solvers
from denseba_ros.benchmark.backend.general_solvers import SIZE, run_general, thinned
from denseba_ros.benchmark.backend.room_window import make_room_window


@pytest.mark.parametrize("solver", ["pypose", "gtsam"])
def test_they_lower_the_same_energy(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(solver, reason="pip install 'denseba_ros[benchmark]'")
    monkeypatch.setitem(general_solvers.EVERY, solver, 41)
    result = run_general(solver, 1e-4, repeat=1, cap_seconds=10.0)
    assert result.points == 30
    assert [race.level for race in result.races] == [2, 1]
    assert result.races[0].reached
    assert result.races[1].energy < 1.02 * result.races[1].target
    assert result.as_json()["times_schur"] == result.seconds / result.schur_seconds


def test_one_that_is_not_installed_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name}", name="gtsam")

    monkeypatch.setattr(importlib, "import_module", absent)
    result = run_general("gtsam", 1e-4, repeat=1, cap_seconds=1.0)
    assert "not installed" in result.missing
    assert "missing" in result.as_json()
    with pytest.raises(ModuleNotFoundError):
        run_general("pypose", 1e-4, repeat=1, cap_seconds=1.0)


def test_thinned_keeps_the_images_and_every_so_manieth_point() -> None:
    window = make_room_window(SIZE, torch.device("cpu"))
    few = thinned(window, 7)
    assert few.problem.images is window.problem.images
    assert torch.equal(few.problem.pixels, window.problem.pixels[:, ::7])
    assert torch.equal(few.start.inverse_depth, window.start.inverse_depth[:, ::7])
