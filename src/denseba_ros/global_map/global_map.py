"""The map beside the window: what the system forgets, it keeps, and it recognises places.

``update`` after each image is all there is to call. The window is not touched: where a loop is
closed, the keyframes that left it move, and with them how its world lies in the map.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.global_map.keyframe_store import KeyframeStore
from denseba_ros.global_map.loop_search import Found, LoopSearch, Query
from denseba_ros.global_map.records import record
from denseba_ros.global_map.search_thread import SearchThread
from denseba_ros.slam.mapping.window_history import LeftKeyframe, WindowChange
from denseba_ros.slam.system import System

Doubles = NDArray[np.float64]

# Keyframes before the present one that see the same, or nearly: no loop is closed with them.
_NEIGHBOURS = 15


@dataclass(frozen=True)
class Closure:
    """A loop that was closed: ``pairs`` of keyframes, older first, and the ``correction`` (4, 4),
    a similarity by which the camera's pose in the map was multiplied from the left."""

    pairs: tuple[tuple[int, int], ...]
    correction: Doubles


class GlobalMap:
    """All keyframes of one system. Only the thread that tracks calls it.

    ``closures``: those since the start; ``counts`` of the ladder's steps.
    """

    def __init__(self, search: LoopSearch, scale_drift: float, is_live: bool) -> None:
        """``search`` with the store that keyframes are to be kept in; ``scale_drift`` as in
        ``KeyframeGraph``; ``is_live``: searches run beside tracking."""
        self._search, self._scale_drift = search, scale_drift
        self._thread = SearchThread(is_live)
        self.session = 0
        self._begin()

    def _begin(self) -> None:
        self.graph = KeyframeGraph(self._scale_drift)
        self.closures: list[Closure] = []
        self._features: dict[int, Found] = {}

    @property
    def counts(self) -> Counter[str]:
        """How often each step of the ladder refused a candidate, and what was accepted."""
        return self._search.closer.counts

    @property
    def store(self) -> KeyframeStore:
        """The keyframes that left the window."""
        return self._search.store

    def update(self, system: System) -> Closure | None:
        """Take in what the last image changed; the loop that was closed since the call before."""
        closure = self._take()
        for change in system.history.take():
            for number, left in self.graph.take(change):
                self._keep(number, left)
            if not self._thread.is_busy:
                self._begin_search(change)
                closure = self._take() or closure
        return closure

    def finish(self) -> Closure | None:
        """Wait for a search that is under way, and take over what it gave."""
        return self._take(is_awaited=True)

    def T_map_camera(self, T_world_camera: Doubles) -> Doubles:
        """A pose (4, 4) of the window's world in the map."""
        return sim3.rigid(self.graph.S_map_world @ T_world_camera)

    def _keep(self, number: int, left: LeftKeyframe) -> None:
        """Keep a keyframe that left the window, and let its place be found from now on."""
        keyframe, found = (
            record(left.keyframe, number, self.session),
            self._features.pop(number, None),
        )
        if found is not None:
            keyframe = replace(keyframe, features=found.features, descriptor=found.descriptor)
            self._search.index.add(number, found.descriptor)
        self.store.add(keyframe)

    def _begin_search(self, change: WindowChange) -> None:
        newest = change.local_map.newest
        number = self.graph.number(newest.stamp_ns)
        if number is None or number in self._features:
            return
        graph = self.graph.with_window(change.local_map, change.displacement)
        neighbours = tuple(range(max(number - _NEIGHBOURS, 0), number + 1))
        units = {near: self.graph.unit_of(near) for near in neighbours}
        query = Query(number, newest, graph, neighbours, units, change.displacement)
        self._thread.begin(self._search, query)

    def _take(self, is_awaited: bool = False) -> Closure | None:
        """Take over the result of a search, where one has ended."""
        found = self._thread.take(is_awaited)
        if found is None:
            return None
        number = found.query.number
        self._features[number] = found
        if number in self.graph.poses:  # it has left the window meanwhile
            self._describe(number, found)
        if found.closed is None:
            return None
        return self._correct(found)

    def _correct(self, found: Found) -> Closure:
        query, closed = found.query, found.closed
        assert closed is not None
        self.graph.close(closed.closures, query.units)
        correction = self.graph.correct(closed.result.poses, query.graph, query.number)
        pairs = tuple((edge.first, edge.second) for edge in closed.closures)
        self.closures.append(Closure(pairs, correction))
        return self.closures[-1]

    def _describe(self, number: int, found: Found) -> None:
        keyframe = self.store.get(number)
        self._features.pop(number)
        self.store.add(replace(keyframe, features=found.features, descriptor=found.descriptor))
        self._search.index.add(number, found.descriptor)
