"""Tolerances and pairs of stamps."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.evaluation.trajectory.association import default_tolerance_ns, pairs_after

MILLISECOND = 1_000_000


@pytest.mark.parametrize(
    ("interval_ms", "tolerance_ms"), [(5, 2.5), (33, 16.5), (100, 20), (1000, 20)]
)
def test_tolerance_is_half_an_interval_and_bounded(interval_ms: int, tolerance_ms: float) -> None:
    stamps = np.arange(10, dtype=np.int64) * interval_ms * MILLISECOND
    assert default_tolerance_ns(stamps) == tolerance_ms * MILLISECOND


def test_pairs_are_one_delay_apart_despite_gaps() -> None:
    stamps = np.array([0, 100, 200, 900, 1000, 1100, 2050], np.int64) * MILLISECOND
    first, second = pairs_after(stamps, 1000 * MILLISECOND)
    pairs = list(zip((stamps[first] // MILLISECOND), (stamps[second] // MILLISECOND), strict=True))
    assert pairs == [(0, 1000), (100, 1100), (1000, 2050), (1100, 2050)]


@pytest.mark.parametrize("stamps", [[], [5]])
def test_no_pairs_without_two_stamps(stamps: list[int]) -> None:
    first, second = pairs_after(np.array(stamps, np.int64), MILLISECOND)
    assert len(first) == len(second) == 0
