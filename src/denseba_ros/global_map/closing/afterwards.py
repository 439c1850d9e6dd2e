"""What is left to be done for keyframes that have left the window, when no search is under way.

One that no search was begun for, since there was no time, gets its features and its descriptor, so
that its place can be found. One that has closures, or came soon after one that has, is measured
again with its final depths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from denseba_ros.global_map.closing.loop_search import Described, LoopSearch, MeasuredAgain
from denseba_ros.global_map.keyframe_graph import KeyframeGraph

Job = Callable[[], Described | MeasuredAgain]

# So many keyframes after one with a closure the map is still known to lie right.
_NEAR_CLOSURE = 6


class Afterwards:
    """Only the thread that tracks calls it; the jobs that it gives run in any.

    ``describing``: the keyframe of the last job, where that describes it.
    """

    def __init__(self, search: LoopSearch, graph: KeyframeGraph, neighbours: int) -> None:
        """``neighbours``: so many keyframes before and after one see the same."""
        self._search, self._graph, self._neighbours = search, graph, neighbours
        self.describing: int | None = None
        self._undescribed: deque[int] = deque()
        self._unmeasured: deque[int] = deque()
        self._last_closed: int | None = None

    def __len__(self) -> int:
        return len(self._undescribed) + len(self._unmeasured)

    def describe(self, number: int) -> None:
        """A keyframe that no search was begun for has left."""
        self._undescribed.append(number)

    def closed(self, numbers: list[int]) -> None:
        """The newer keyframes of loops that were closed now."""
        self._last_closed = max(numbers)
        for number in numbers:
            if number in self._search.index:
                self.measure(number)

    def measure(self, number: int) -> None:
        """A keyframe has left and its place can be found; where the map was closed near by, it is
        measured again."""
        is_near = self._last_closed is not None and number - self._last_closed <= _NEAR_CLOSURE
        is_waiting = number in self._unmeasured
        if (is_near or self._graph.closures_of(number)) and not is_waiting:
            self._unmeasured.append(number)

    def next_job(self, displacement: float) -> Job | None:
        """What is to be done next, None where there is nothing; ``displacement`` of the image, as
        ``WindowChange`` has it."""
        self.describing = None
        while self._undescribed:
            number = self._undescribed.popleft()
            if number in self._graph.poses:
                self.describing = number
                return partial(self._search.described, number)
        while self._unmeasured:
            number = self._unmeasured.popleft()
            if number in self._graph.poses:
                return self._measuring(number, displacement)
        return None

    def _measuring(self, number: int, displacement: float) -> Job:
        return partial(
            self._search.measure_again,
            number,
            self._graph.closures_of(number),
            {n: S for n, S in self._graph.poses.items() if n in self._search.index},
            range(number - self._neighbours, number + self._neighbours + 1),
            displacement,
        )
