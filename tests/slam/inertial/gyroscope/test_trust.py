"""When a gyroscope may be used: unit and axes, confirmed by turns of the images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.slam.inertial.gyroscope.trust import GyroscopeTrust, Span

_BIAS = np.array([0.012, -0.008, 0.01])


def _span(turn: np.ndarray, M: np.ndarray, rng: np.random.Generator, late: float = 0.0) -> Span:
    """A ``turn`` (3,) within 0.1 s of a gyroscope by which the camera turns by M times its own."""
    change = 2.0 * turn
    felt = np.linalg.solve(M, turn + late * change) + 0.1 * _BIAS
    seen = turn + rng.normal(0.0, 1e-3, 3)
    return Span(0.1, seen, 1e-3, felt, np.linalg.solve(M, change))


def _driven(M: np.ndarray, turns: np.ndarray, late: float = 0.0) -> GyroscopeTrust:
    rng, trust = np.random.default_rng(0), GyroscopeTrust()
    for turn in turns:
        trust.see(_span(turn, M, rng, late))
        trust.next_span()
    return trust


def _turns(count: int, size: float = 0.04) -> np.ndarray:
    axes = Rotation.random(count, random_state=1).as_matrix()[:, 0]
    turns: np.ndarray = size * axes
    return turns


def test_nothing_is_used_before_a_turn_was_seen() -> None:
    trust = GyroscopeTrust()
    assert not any(trust.may_use(turn) for turn in np.eye(3))
    assert not trust.is_earned
    assert not trust.is_wrong
    still = _driven(np.eye(3), np.zeros((600, 3)))
    assert still.right == trust.right


@pytest.mark.parametrize("late", [0.0, 0.05])
def test_the_right_one_is_used_after_a_few_turns_of_two_degrees(late: float) -> None:
    assert _driven(np.eye(3), _turns(4), late).is_earned
    trust = _driven(np.eye(3), _turns(40), late)
    assert trust.is_earned
    assert trust.deviation(np.array([0.0, 0.3, 0.0])) < 0.001


def test_degrees_are_never_used_and_wrong_after_two_turns() -> None:
    trust = _driven(np.radians(np.eye(3)), _turns(1, 0.02))
    assert not any(trust.may_use(turn) for turn in np.eye(3))
    rng, degrees = np.random.default_rng(0), np.radians(np.eye(3))
    trust.see(_span(np.array([0.0, 0.05, 0.0]), degrees, rng))
    assert trust.right < 1e-3
    assert not trust.is_wrong  # The span may be a bad one.
    trust.next_span()
    assert trust.is_wrong
    assert trust.cause == "is it in degrees/s?"


@pytest.mark.parametrize("angle", [60.0, 90.0, 180.0])
def test_wrong_axes_are_never_used(angle: float) -> None:
    M = Rotation.from_rotvec(np.radians(angle) * np.array([0.6, 0.8, 0.0])).as_matrix()
    for count in range(2, 8):
        trust = _driven(M, _turns(count))
        assert not trust.is_earned
        assert not any(trust.may_use(turn) for turn in np.eye(3))
        assert not trust.may_use(np.linalg.solve(M, np.array([0.0, 0.0, 0.1])))
    trust = _driven(M, _turns(12))
    assert trust.is_wrong
    assert trust.cause == "is imu.T_imu_camera right?"


def test_a_turn_about_the_axis_that_is_shared_confirms_that_one_alone() -> None:
    upside_down = np.diag([1.0, -1.0, -1.0])
    x, y = 0.04 * np.eye(3)[:2]
    trust = _driven(upside_down, np.tile(x, (3, 1)))
    assert trust.may_use(x)
    # The doubt is as large as what it would be wrong by, over its probability.
    assert trust.deviation(y) > 0.05 * np.linalg.norm(y)
    trust = _driven(upside_down, np.concatenate([np.tile(x, (3, 1)), [y]]))
    assert not trust.may_use(y)


def test_one_image_that_is_wrong_does_not_count_and_trust_comes_back() -> None:
    rng, trust = np.random.default_rng(0), _driven(np.eye(3), _turns(20))
    wrong = _span(np.array([0.0, 0.04, 0.0]), -np.eye(3), rng)
    trust.see(wrong)
    trust.next_span()
    assert trust.is_earned
    for turn in _turns(8):
        trust.see(_span(turn, np.diag([-1.0, -1.0, 1.0]), rng))
        trust.next_span()
    assert trust.is_wrong
    for turn in _turns(8):
        trust.see(_span(turn, np.eye(3), rng))
        trust.next_span()
    assert trust.is_earned


def test_a_span_that_goes_on_counts_once() -> None:
    rng, trust, again = np.random.default_rng(0), GyroscopeTrust(), GyroscopeTrust()
    span = _span(np.array([0.0, 0.01, 0.0]), np.eye(3), rng)
    trust.see(span)
    for _ in range(5):
        again.see(span)
    assert again.right == trust.right


def test_quick_turns_leave_numbers() -> None:
    trust = _driven(np.eye(3), np.array([[0.0, 0.5, 0.0], [3.0, 0.0, 0.0]]))
    assert np.isfinite(trust.doubt).all()
    assert trust.is_earned
