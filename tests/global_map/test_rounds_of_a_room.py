"""The map around a search that always finds the place: what is kept, moved and dropped."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry import se3, sim3
from denseba_ros.global_map.closing.loop_closer import Closed
from denseba_ros.global_map.closing.loop_search import Described, Found, MeasuredAgain, Query
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.map_file.map_keyframe import LocalFeatures
from denseba_ros.pose_graph.graph import Doubles, Edge
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.window_history import WindowChange, dissolved
from tests.global_map.path_of_keyframes import DISPLACEMENT, changes
from tests.scaled_keyframe import keyframe

PLACES = 10
CLOSURE = np.diag(np.repeat([0.01, 0.003, 0.01], [3, 3, 1]) ** 2)
FEATURES = LocalFeatures(np.zeros((0, 2), np.float32), np.zeros((0, 64), np.float16))


def true_pose(number: int) -> Doubles:
    return np.asarray(se3.inverse(keyframe(number % PLACES, 1.0).T).numpy())


@dataclass
class Index(set[int]):
    def __hash__(self) -> int:
        return id(self)

    def add(self, number: int, descriptor: Any = None) -> None:
        super().add(number)


@dataclass
class Counts:
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: deque[Any] = field(default_factory=deque)


class Search:
    """Recognises the place after the first round, and where ``is_dropping`` that it is the same."""

    def __init__(self, is_dropping: bool, error: Doubles) -> None:
        self.closer, self.index, self.store = Counts(), Index(), Store()
        self._is_dropping, self._error = is_dropping, error

    def run(self, query: Query) -> Found:
        closed, old = None, query.number % PLACES
        if old not in query.neighbours and old in query.graph.poses:
            S = sim3.exp(self._error)
            edge = Edge(old, query.number, S, CLOSURE, is_closure=True)
            query.graph.edges.append(edge)
            closed = Closed(query.graph, optimise(query.graph, [old]), [edge])
        return Found(query, FEATURES, np.zeros(4, np.float32), closed)

    def described(self, number: int) -> Described:
        return Described(number, FEATURES, np.zeros(4, np.float32))

    def measure_again(self, number: int, closures: list[Edge], *_: Any) -> MeasuredAgain:
        # A closure that a dropped keyframe handed on is with another place.
        true = [sim3.inverse(true_pose(e.first)) @ true_pose(number) for e in closures]
        edges = [
            Edge(e.first, number, S, CLOSURE, True) for e, S in zip(closures, true, strict=True)
        ]
        alike = [e.first for e in closures if (number - e.first) % PLACES == 0]
        same = alike[0] if alike and self._is_dropping else None
        return MeasuredAgain(number, edges, [], same)


class Store(dict[int, Any]):
    def add(self, kept: Any) -> None:
        self[kept.id] = kept

    def get(self, number: int, default: Any = None) -> Any:
        return self[number]

    def remove(self, number: int) -> None:
        del self[number]


class System:
    """Tells of the changes one by one."""

    def __init__(self) -> None:
        self.history, self._changes = self, list[WindowChange]()
        self.is_behind = self.is_urgent = False
        self.local_map: LocalMap | None = None

    def tell(self, change: WindowChange) -> None:
        self._changes, self.local_map = [change], change.local_map

    def take(self) -> list[WindowChange]:
        given, self._changes = self._changes, []
        return given

    def end(self, local_map: LocalMap) -> None:
        self._changes = [WindowChange(local_map, tuple(dissolved(local_map)), 1.0, DISPLACEMENT)]


def mapped(count: int, is_dropping: bool, is_live: bool, error: Doubles) -> GlobalMap:
    search, system = Search(is_dropping, error), System()
    global_map = GlobalMap(search, 0.03, is_live)  # type: ignore[arg-type]
    for change in changes(count, places=PLACES):
        system.tell(change)
        global_map.update(system)  # type: ignore[arg-type]
    global_map.finish(system)  # type: ignore[arg-type]
    return global_map


@pytest.mark.parametrize("is_live", [False, True])
def test_rounds_of_one_room_do_not_make_the_map_larger(is_live: bool) -> None:
    global_map = mapped(80, True, is_live, np.zeros(7))
    if not is_live:
        # The first round, what is too young to be closed with it, and the last window.
        assert len(global_map.graph.poses) < 30
    kept = len(global_map.graph.poses)
    assert len(global_map.store) == kept
    assert global_map.counts["keyframes dropped that show the same as an older one"] == 80 - kept
    for number in range(80):
        S = global_map.graph.pose(number)
        assert S is not None
        np.testing.assert_allclose(S, true_pose(number), atol=1e-5)


def test_all_is_kept_where_every_view_is_its_own() -> None:
    assert len(mapped(40, False, False, np.zeros(7)).graph.poses) == 40


def test_at_the_end_all_fits_what_was_measured_with_final_depths() -> None:
    """The first measurements were off by more than the last."""
    wrong = np.array([0.1, 0.0, 0.0, 0.0, 0.02, 0.0, 0.05])
    poses = mapped(40, False, False, wrong).graph.poses
    for number in range(20, 40):
        error = sim3.log(sim3.inverse(poses[number % PLACES]) @ poses[number])
        np.testing.assert_allclose(error, 0.0, atol=1e-3)
