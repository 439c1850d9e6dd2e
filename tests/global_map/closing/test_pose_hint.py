"""Where the search for a place begins, when somebody has said where the camera is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing import loop_search
from denseba_ros.global_map.closing.loop_search import LoopSearch, Query

FIRST, NUMBER = 10, 12


class Index(set[int]):
    """Every keyframe of earlier sessions looks alike."""

    def search(self, *_: object) -> list[Any]:
        return [SimpleNamespace(id=number) for number in sorted(self) if number < FIRST]


def at(x: float) -> np.ndarray:
    return sim3.exp(np.array([x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))


def query(hint: float | None) -> Query:
    """Ten keyframes in the map, a metre apart, and three of a session that lies elsewhere."""
    poses = {n: at(float(n)) for n in range(FIRST)} | {n: at(7.0) for n in range(FIRST, 13)}
    keyframe: Any = SimpleNamespace(points=SimpleNamespace(median_depth=2.0))
    pose = None if hint is None else at(hint)
    units = dict.fromkeys(poses, 0.0)
    return Query(NUMBER, keyframe, poses, list, (10, 11, 12), units, 0.0, FIRST, hint=pose)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Of which keyframes agreement was asked, in order; none beyond number 4 agrees."""
    calls: list[list[int]] = []

    def agreeing(*arguments: Any) -> list[int]:
        *_, numbers, _ = arguments
        calls.append(numbers)
        return [number for number in numbers if number <= 4][:3]

    monkeypatch.setattr(loop_search, "agreeing", agreeing)
    return calls


def candidates(query: Query) -> list[int]:
    tracker: Any = SimpleNamespace(camera=None)
    nothing: Any = None
    search = LoopSearch(nothing, nothing, nothing, Index(range(12)), tracker)  # type: ignore[arg-type]
    return search._candidates(query, np.zeros(1, np.float32), nothing)


def test_keyframes_near_the_hint_are_asked_first(asked: list[list[int]]) -> None:
    assert candidates(query(3.1)) == [3, 4, 2]
    assert asked == [[3, 4, 2]]


def test_a_wrong_hint_is_no_obstacle(asked: list[list[int]]) -> None:
    assert candidates(query(8.0)) == [0, 1, 2]
    assert asked == [[8, 7, 9], list(range(FIRST))]
    assert candidates(query(500.0)) == [0, 1, 2]


def test_without_a_hint_all_are_asked(asked: list[list[int]]) -> None:
    assert candidates(query(None)) == [0, 1, 2]
    assert asked == [list(range(FIRST))]
