"""Keyframes near by in place and direction, in the unit of the one that asks."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.proximity import is_same_view, nearby


def at(x: float, yaw: float = 0.0) -> np.ndarray:
    S = sim3.exp(np.array([0.0, 0.0, 0.0, 0.0, yaw, 0.0, 0.0]))
    S[0, 3] = x
    return S


POSES = {0: at(0.0), 1: at(0.5), 2: at(0.2), 3: at(0.1, np.radians(45.0)), 4: at(3.0)}


def test_the_closest_come_first_and_others_not_at_all() -> None:
    assert nearby(POSES, 0, 2.0, (), 5) == [2, 1]
    assert nearby(POSES, 0, 2.0, (2,), 5) == [1]
    assert nearby(POSES, 0, 2.0, (), 1) == [2]
    assert nearby({0: at(0.0)}, 0, 2.0, (), 5) == []


def test_distances_are_in_the_unit_of_the_keyframe() -> None:
    """Twice as large a unit in the map: what it calls 0.2 is 0.1 to the keyframe."""
    grown = dict(POSES)
    grown[0] = grown[0] @ np.diag([2.0, 2.0, 2.0, 1.0])
    assert nearby(grown, 0, 0.4, (), 5) == [2]
    assert nearby(POSES, 0, 0.4, (), 5) == []


def test_one_of_two_views_is_enough_where_both_show_the_same() -> None:
    field_of_view = np.radians(80.0)
    assert is_same_view(at(0.2, np.radians(10.0)), 2.0, field_of_view)
    assert not is_same_view(at(0.2, np.radians(15.0)), 2.0, field_of_view)
    assert not is_same_view(at(0.2, np.radians(10.0)), 1.0, field_of_view)


def test_a_longer_reach_finds_farther_and_more_turned_ones() -> None:
    assert nearby(POSES, 0, 1.0, (), 5) == [2]
    assert nearby(POSES, 0, 1.0, (), 5, reach=2.0) == [2, 1, 3]
