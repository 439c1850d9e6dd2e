"""Times and memory of a call."""

from __future__ import annotations

import time

import numpy as np
import torch

from denseba_ros.benchmark.timing import Timing, measure

_CPU = torch.device("cpu")


def test_each_repetition_is_timed_after_one_warm_up() -> None:
    calls = []

    def call() -> None:
        calls.append(None)
        time.sleep(0.01)

    timing = measure(call, _CPU, 4)
    assert len(calls) == 5
    assert len(timing.seconds) == 4
    assert all(second >= 0.01 for second in timing.seconds)


def test_peak_memory_is_what_the_call_adds() -> None:
    kept = np.ones(64 * 2**20, dtype=np.uint8)
    # More than glibc ever takes from memory that it kept of arrays before (32 MiB).
    timing = measure(lambda: np.ones(48 * 2**20, dtype=np.uint8).sum(), _CPU, 2)
    assert len(kept) == 64 * 2**20
    assert timing.peak_mib is None or 40.0 < timing.peak_mib < 76.0


def test_median_and_percentile() -> None:
    timing = Timing(tuple(float(i) for i in range(1, 102)), None)
    assert timing.median == 51.0
    assert timing.p95 == 96.0
    assert timing.fastest == 1.0
    assert timing.as_json()["repetitions"] == 101
    assert timing.as_json()["peak_mib"] is None
