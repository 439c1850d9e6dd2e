"""Work of a window by hand for one size, and how it grows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from denseba_ros.benchmark.backend.floors import Rates, Work, measure_rates, work_of
from denseba_ros.benchmark.backend.room_window import WindowSize, make_room_window

_CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def problem() -> object:
    return make_room_window(WindowSize(3, (24, 20)), _CPU).problem


def test_bytes_are_inputs_once_and_depths_twice(problem: object) -> None:
    points, cells = 3 * 24 * 20, 24 * 20
    surfaces = 3 * 2 * cells * 4
    # The fine level has four times the pixels of the grid, three values each.
    fine = 3 * 3 * 4 * cells * 4
    assert work_of(problem, (1,)).bytes == fine + surfaces + points * (5 * 4 + 1 + 4)
    assert work_of(problem, (1, 1)).bytes == 2 * work_of(problem, (1,)).bytes


def test_operations_are_linear_in_the_points(problem: object) -> None:
    half = replace(problem, pixels=problem.pixels[:, : 12 * 20])
    assert 2 * work_of(half, (1,)).operations == work_of(problem, (1,)).operations


def test_each_pixel_of_each_pair_costs_hundreds_of_operations(problem: object) -> None:
    """An order of magnitude that a slip of the hand count would miss."""
    pixels = 3 * 2 * 24 * 20 * 8
    assert 100 < work_of(problem, (1,)).operations / pixels < 1000


def test_floors_are_work_over_rates() -> None:
    floors = Work(100, 50).floors(Rates(10.0, 100.0))
    assert floors == {"bytes": 10.0, "operations": 0.5}


def test_measured_rates_are_those_of_a_machine() -> None:
    rates = measure_rates(_CPU, mebibytes=4, size=128)
    assert 1e6 < rates.bytes_per_second < 1e13
    assert 1e6 < rates.operations_per_second < 1e15
