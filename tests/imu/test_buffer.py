"""Samples as they come: joined by time, bounded, checked."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from denseba_ros.imu.buffer import ImuBuffer, ImuLimits
from denseba_ros.imu.checks.problems import Problem

MS = 1_000_000
UP = (0.0, 0.0, 9.81)


def _filled(stamps_ms: list[float], limits: ImuLimits | None = None) -> ImuBuffer:
    buffer = ImuBuffer(limits, lambda kind, text: None)
    for stamp in stamps_ms:
        buffer.add(round(stamp * MS), (1e-4 * (stamp % 100_000), 0.0, 0.0), UP)
    return buffer


def _steady(first: int, last: int) -> list[float]:
    return [float(v) for v in range(first, last, 5)]


def test_interval_with_interpolated_ends() -> None:
    buffer = _filled(_steady(0, 100))
    cut = buffer.between(12 * MS, 43 * MS)
    assert cut is not None
    np.testing.assert_allclose(1e4 * cut.gyroscope[:, 0], [12, 15, 20, 25, 30, 35, 40, 43])
    assert not buffer.problems.counts
    assert buffer.newest_ns == 95 * MS


@pytest.mark.parametrize(("start", "end"), [(-1, 50), (50, 96), (50, 50), (60, 50)])
def test_what_is_not_covered_is_none(start: int, end: int) -> None:
    assert _filled(_steady(0, 100)).between(start * MS, end * MS) is None
    assert ImuBuffer().between(0, 1) is None


def test_memory_is_bounded_by_time_and_count() -> None:
    by_time = _filled(_steady(0, 10_000), ImuLimits(seconds=2.0))
    assert 400 <= len(by_time) <= 601
    by_count = _filled(_steady(0, 10_000), ImuLimits(samples=100))
    assert 85 <= len(by_count) <= 100
    assert by_count.newest_ns == 9995 * MS


def test_duplicate_reordered_and_late_samples() -> None:
    buffer = _filled([0, 5, 15, 10, 10, 20, 25])
    cut = buffer.between(0, 25 * MS)
    assert cut is not None
    assert cut.stamp_ns.tolist() == [0, 5 * MS, 10 * MS, 15 * MS, 20 * MS, 25 * MS]
    buffer.add(22 * MS, (0.0, 0.0, 0.0), UP)
    assert dict(buffer.problems.counts) == {
        Problem.REORDERED: 1,
        Problem.DUPLICATE: 1,
        Problem.LATE: 1,
    }
    assert buffer.received == 8


def test_a_gap_is_counted_and_a_long_one_not_bridged() -> None:
    buffer = _filled([*_steady(0, 100), *_steady(150, 200), *_steady(400, 500)])
    assert buffer.problems.counts[Problem.GAP] == 2
    assert buffer.between(90 * MS, 160 * MS) is not None
    assert buffer.between(190 * MS, 410 * MS) is None
    assert buffer.between(410 * MS, 450 * MS) is not None


@pytest.mark.parametrize("leap", [-3600_000, 3600_000])
def test_a_clock_that_was_set_begins_anew(leap: int) -> None:
    buffer = _filled([*_steady(0, 100), *[leap + v for v in _steady(100, 200)]])
    assert dict(buffer.problems.counts) == {Problem.CLOCK_JUMP: 1}
    assert len(buffer) == 20
    assert buffer.between((leap + 100) * MS, (leap + 195) * MS) is not None


def test_a_pause_is_a_gap() -> None:
    buffer = _filled([*_steady(0, 100), *_steady(5000, 5100)])
    assert dict(buffer.problems.counts) == {Problem.GAP: 1}
    assert buffer.between(5010 * MS, 5050 * MS) is not None


def test_one_stray_stamp_changes_nothing() -> None:
    buffer = _filled([*_steady(0, 100), 9e6, *_steady(100, 200)])
    assert dict(buffer.problems.counts) == {Problem.STRAY: 1}
    assert buffer.between(0, 195 * MS) is not None


def test_values_that_are_not_finite_are_left_out() -> None:
    buffer = _filled(_steady(0, 50))
    buffer.add(50 * MS, (0.0, np.nan, 0.0), UP)
    buffer.add(55 * MS, (0.0, 0.0, 0.0), (np.inf, 0.0, 0.0))
    assert buffer.problems.counts[Problem.NOT_FINITE] == 2
    assert buffer.newest_ns == 45 * MS


def test_saturation_with_and_without_a_stated_range() -> None:
    stated = ImuBuffer(ImuLimits(gyroscope_range=8.7, accelerometer_range=39.0), lambda k, t: None)
    stated.add(0, (0.0, -8.7, 0.0), UP)
    stated.add(5 * MS, (0.0, 0.0, 0.0), (0.0, 39.2, 0.0))
    stated.add(10 * MS, (0.0, -8.0, 0.0), (0.0, 30.0, 0.0))
    assert stated.problems.counts[Problem.SATURATED] == 2
    found = ImuBuffer(say=lambda kind, text: None)
    for k, rate in enumerate([1.0, 3.0, 4.36, 4.36, 4.36, 4.36, 4.0, 2.0]):
        found.add(k * 5 * MS, (rate, 0.0, 0.0), UP)
    assert found.problems.counts[Problem.SATURATED] == 2


def test_clear_forgets_samples_and_clock() -> None:
    buffer = _filled(_steady(0, 100))
    buffer.clear()
    assert len(buffer) == 0
    buffer.add(-3600_000 * MS, (0.0, 0.0, 0.0), UP)
    assert len(buffer) == 1
    assert not buffer.problems.counts


def test_two_threads() -> None:
    buffer = ImuBuffer(ImuLimits(seconds=1.0), lambda kind, text: None)
    wrong: list[str] = []

    def read() -> None:
        for _ in range(300):
            newest = buffer.newest_ns
            if newest is not None and newest > 200 * MS:
                cut = buffer.between(newest - 103 * MS, newest)
                if cut is None or not np.allclose(1e4 * cut.gyroscope[:, 0], cut.stamp_ns / MS):
                    wrong.append(f"{newest}: {cut}")

    thread = threading.Thread(target=read)
    thread.start()
    for stamp in _steady(0, 20_000):
        buffer.add(round(stamp * MS), (1e-4 * stamp, 0.0, 0.0), UP)
    thread.join()
    assert not wrong
    assert not buffer.problems.counts


def test_a_problem_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    buffer = ImuBuffer()
    for _ in range(5):
        buffer.add(0, (0.0, 0.0, 0.0), UP)
    assert buffer.problems.counts[Problem.DUPLICATE] == 4
    assert caplog.text.count("repeat a stamp") == 1
    assert buffer.problems.text() == "IMU: 4 duplicate"
