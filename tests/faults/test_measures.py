"""Silence, jumps and recovery from made-up runs."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.faults.measures import (
    Heard,
    State,
    largest_jump,
    longest_silence,
    path_errors,
    recoveries,
)
from denseba_ros.nodes.tools.sent_images import Sent

SECOND = 1_000_000_000
POSITIONS = np.array([[0.1 * k, 0.0, 0.0] for k in range(20)])


def heard(k: int, x: float, at: float | None = None) -> Heard:
    T = np.eye(4)
    T[0, 3] = x
    return Heard(float(k if at is None else at), k * SECOND, T, np.zeros(3), 1.0)


def sent(k: int, window: int = 0) -> Sent:
    return Sent(float(k), k * SECOND, window, k)


def state(
    k: int,
    what: str = "tracking",
    resets: int = 0,
    session: int = 0,
    T_map_odom: np.ndarray | None = None,
) -> State:
    return State(k + 0.25, k * SECOND, what, "", resets, session, T_map_odom)


def test_silence_is_from_an_image_to_the_next_odometry() -> None:
    odometry = [heard(0, 0.0), heard(1, 0.0, 1.25), heard(4, 0.0, 4.0)]
    assert longest_silence([sent(0), sent(1), sent(3)], odometry) == 1.0
    assert longest_silence([], odometry) == 0.0
    assert longest_silence([sent(1)], []) == float("inf")


def test_a_jump_is_what_the_true_camera_did_not_do() -> None:
    images = [sent(k) for k in range(20)]
    states = [state(k) for k in range(20)]
    smooth = [heard(k, 0.3 * k) for k in range(20)]
    assert largest_jump(smooth, states, images, POSITIONS) == pytest.approx(0.0, abs=1e-9)
    broken = [heard(k, 0.3 * k + (2.0 if k > 9 else 0.0)) for k in range(20)]
    assert 1.0 < largest_jump(broken, states, images, POSITIONS) < 2.0


def test_an_announced_reset_is_no_jump() -> None:
    images = [sent(k) for k in range(20)]
    odometry = [heard(k, 0.1 * (k if k < 10 else k - 10)) for k in range(20)]
    for name in ("resets", "session"):
        states = [state(k, **{name: int(k >= 10)}) for k in range(20)]
        assert largest_jump(odometry, states, images, POSITIONS) == pytest.approx(0.0, abs=1e-9)
    states = [state(k) for k in range(20)]
    assert largest_jump(odometry, states, images, POSITIONS) > 0.5


def test_the_path_in_odom_may_err_where_that_in_map_does_not() -> None:
    images = [sent(k) for k in range(20)]
    # Two tenths of a metre went to map -> odom half way; one image was lost.
    odometry = [heard(k, 0.1 * k - (0.2 if k > 9 else 0.0)) for k in range(20)]
    odometry[15] = heard(15, 50.0)
    T_map_odom = np.eye(4)
    T_map_odom[0, 3] = 0.2
    states = [
        state(k, "lost" if k == 15 else "tracking", 0, 0, T_map_odom if k > 9 else np.eye(4))
        for k in range(20)
    ]
    errors = path_errors(odometry, states, images, POSITIONS)
    assert errors.map == pytest.approx(0.0, abs=1e-9)
    assert 0.02 < errors.odometry < 0.2
    assert errors.poses == 19


def test_the_error_of_the_path_is_of_the_longest_odometry_frame() -> None:
    images = [sent(k) for k in range(20)]
    odometry = [heard(k, 0.1 * k if k < 12 else 7.0 - k) for k in range(20)]
    states = [state(k, resets=int(k >= 12), T_map_odom=np.eye(4)) for k in range(20)]
    errors = path_errors(odometry, states, images, POSITIONS)
    assert (errors.odometry, errors.poses) == (pytest.approx(0.0, abs=1e-9), 12)
    assert path_errors([], [], images, POSITIONS).odometry == float("inf")


def test_recovery_counts_from_the_first_usable_image() -> None:
    images = [sent(k, window=k // 3) for k in range(9)]
    states = [state(k, "lost" if 3 <= k < 8 else "tracking") for k in range(9)]
    assert recoveries(images, states, [True, False, True]) == [8.25 - 6.0]
    assert recoveries(images, states[:8], [True, False, True]) == [float("inf")]
    assert recoveries(images, states, [True, True, True]) == []
