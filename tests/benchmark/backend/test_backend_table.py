"""What a reader of the benchmark sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from denseba_ros.benchmark.backend.backend_benchmark import BackendResult, SchurResult
from denseba_ros.benchmark.backend.backend_table import aligned, backend_table
from denseba_ros.benchmark.backend.floors import Rates, Work
from denseba_ros.benchmark.backend.general_solvers import GeneralResult
from denseba_ros.benchmark.backend.room_window import WindowSize
from denseba_ros.benchmark.backend.to_same_cost import SameCost
from denseba_ros.benchmark.timing import Timing

_ENERGIES = [[10.0, 5.0], [8.0, 2.0]]
_RATES = Rates(1e9, 1e10)
_RESULT = BackendResult(
    "dense",
    WindowSize(),
    [
        SchurResult("torch", Timing((1.0,), 60.0), _ENERGIES),
        SchurResult("fused", Timing((0.2, 0.1, 0.3), 12.0), _ENERGIES, graph=True),
    ],
    Work(10**6, 10**8),
    [SameCost(2, 5.0, 4.5, 6.0, 20, True), SameCost(1, 2.0, 3.0, 14.0, 70, False)],
)
_GENERAL = [
    GeneralResult(
        "gtsam", WindowSize(3, (40, 30)), 1200, 0.5, [SameCost(2, 5.0, 5.0, 20.0, 4, True)]
    ),
    GeneralResult("pypose", WindowSize(3, (40, 30)), 0, 0.0, [], "pypose is not installed"),
]


def test_numbers_are_ratios_of_what_was_measured() -> None:
    json = _RESULT.as_json(_RATES)
    assert json["floor_seconds"] == {"bytes": 1e-3, "operations": 1e-2}
    assert json["schur"][1]["times_floor"] == {
        "bytes": pytest.approx(200.0),
        "operations": pytest.approx(20.0),
    }
    assert json["lbfgs"]["times_schur"] == pytest.approx(100.0)
    assert not json["lbfgs"]["reached"]
    assert "lbfgs" not in replace(_RESULT, to_same_cost=[]).as_json(_RATES)


def test_the_table_has_times_floors_and_an_interrupted_race() -> None:
    table = backend_table([_RESULT], _GENERAL, _RATES, "a machine")
    assert table.startswith("a machine\n")
    assert "1000.00" in table
    assert "200.00" in table
    assert "fused, graph" in table
    assert "14.00 (not reached)" in table
    assert "dense: L-BFGS takes more than 100 times" in table
    assert "gtsam takes 40 times" in table
    assert "pypose is not installed" in table
    assert "unknown" not in table


def test_without_races_the_table_has_none() -> None:
    bare = replace(_RESULT, to_same_cost=[], schur=[SchurResult("torch", Timing((1.0,), None), [])])
    table = backend_table([bare], [], _RATES, "a machine")
    assert "L-BFGS" not in table
    assert "unknown" in table


def test_columns_are_aligned() -> None:
    assert aligned([("a", "1"), ("long", "22")]) == ["a      1", "long  22"]
