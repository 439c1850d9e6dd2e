"""What the scripted IMU sends, and when."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from denseba_ros.faults.imu import RANGE, play, scheduled
from denseba_ros.sequences.room.room_trajectory import room_poses

FPS = 15.0
POSES = room_poses("handheld", np.arange(60) / 30.0, seed=0)


def test_it_goes_on_at_200_hz_through_the_turns_of_the_path() -> None:
    samples = scheduled([("good", 9.0)], POSES, FPS)
    taken = np.array([s.taken for s in samples])
    assert np.allclose(np.diff(taken), 0.005)
    assert taken[-1] > 9.9
    assert all(s.sent == s.taken for s in samples)
    force = np.stack([s.accelerometer for s in samples])
    assert np.median(np.linalg.norm(force, axis=1)) == pytest.approx(9.81, abs=0.3)
    assert np.abs(force).max() < 100.0


def test_each_fault() -> None:
    good = scheduled([("good", 3.0)], POSES, FPS)
    cut = scheduled([("good", 1.0), ("imu cut", 1.0), ("good", 1.0)], POSES, FPS)
    assert not any(1.0 <= s.taken < 2.0 for s in cut)
    assert len(cut) == len(good) - 200
    burst = scheduled([("good", 1.0), ("imu burst", 1.0), ("good", 1.0)], POSES, FPS)
    assert [s.taken for s in burst] == [s.taken for s in good]
    assert {s.sent for s in burst if 1.0 <= s.taken < 2.0} == {2.0}
    clock = scheduled([("good", 1.0), ("imu clock", 1.0), ("good", 1.0)], POSES, FPS)
    assert [round(s.taken - s.sent) for s in clock[150:250]] == [0] * 50 + [100] * 50
    assert clock[-1].taken - clock[-1].sent == pytest.approx(100.0)
    saturated = scheduled([("imu saturation", 3.0)], POSES, FPS)
    rates = np.stack([s.gyroscope for s in saturated if s.taken < 3.0])
    assert np.abs(rates).max() == RANGE
    assert np.mean(np.abs(rates).max(axis=1) == RANGE) > 0.02
    units = scheduled([("imu units", 3.0)], POSES, FPS)
    np.testing.assert_allclose(units[5].accelerometer * 9.81, good[5].accelerometer)
    np.testing.assert_allclose(np.radians(units[5].gyroscope), good[5].gyroscope)


def test_it_is_played_in_order_until_it_is_stopped() -> None:
    samples = scheduled([("good", 0.05)], POSES, FPS)[:8]
    heard: list[int] = []
    play(samples, lambda stamp, *_: heard.append(stamp), 10**9, threading.Event())
    assert heard == [10**9 + round(s.taken * 1e9) for s in samples]
    stopped = threading.Event()
    stopped.set()
    play(samples, lambda stamp, *_: heard.append(stamp), 10**9, stopped)
    assert len(heard) == 8
