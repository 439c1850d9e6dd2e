"""The solvers' benchmark on few samples."""

from __future__ import annotations

import torch

from denseba_ros.benchmark.solvers.solver_accuracy import run_accuracy
from denseba_ros.benchmark.solvers.solver_gradients import make_pairs, run_gradients

CPU = torch.device("cpu")


def test_every_library_finds_the_true_solutions() -> None:
    results = run_accuracy(50, CPU, 1)
    assert {r.problem for r in results} == {"five points", "P3P", "registration"}
    assert {"denseba", "OpenCV"} <= {r.solver for r in results}
    for result in results:
        assert result.missed < 0.2
        assert result.median < 1e-9


def test_the_three_gradients_agree_where_they_are_finite() -> None:
    results = {r.name: r for r in run_gradients(make_pairs(4, 16, CPU), 1)}
    assert results["implicit"].finite == 1.0
    assert all(r.agrees > 0.95 for r in results.values())
