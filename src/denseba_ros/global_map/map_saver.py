"""Writes the map to its file as it grows: what is new, and the poses where they were corrected."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from denseba_ros.errors import MapFileError
from denseba_ros.global_map.background import Background
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.global_map.window_in_file import (
    WindowChange,
    WindowInFile,
    WindowPart,
    remove_before,
    write,
)
from denseba_ros.map_file.closure_event import ClosureEvent
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.graph import Doubles, Edge

_log = logging.getLogger(__name__)

# Stamps of images between two writings, nanoseconds.
_EVERY_NS = 1_000_000_000


@dataclass(frozen=True)
class _Changes:
    """``keyframes`` and ``edges`` to be added, ``poses`` (4, 4) by number to be set, and keyframes
    ``dropped`` and edges ``taken_back`` to be removed, ``events`` to be noted; and those of the
    ``window``."""

    keyframes: list[MapKeyframe]
    edges: list[Edge]
    poses: dict[int, Doubles]
    dropped: set[int]
    taken_back: list[Edge]
    events: list[ClosureEvent]
    window: WindowChange = field(default_factory=WindowChange)

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        lasting = (self.keyframes, self.edges, self.poses, self.dropped, self.taken_back)
        return not (any(lasting) or self.events or self.window.poses or self.window.gone)


class MapSaver:
    """Collects what changes and writes it, in a thread of its own where ``is_live``.

    What could not be written is kept for the next time. ``problem`` says why, empty when all is
    well. The window is written too (``window_in_file``).
    """

    def __init__(self, file: MapFile, is_live: bool) -> None:
        self.file = file
        self.problem = ""
        self._thread: Background[tuple[_Changes, str]] = Background("denseba map file", is_live)
        self._new: dict[int, MapKeyframe] = {}
        self._edges: list[Edge] = []
        self._events: list[ClosureEvent] = []
        self._written: set[int] = set(file.keyframe_ids())
        self._window = WindowInFile()
        self._moved: set[int] = set()
        self._dropped: set[int] = set()
        self._taken_back: dict[tuple[int, int, bool], Edge] = {}
        # Closures in the file.
        edges = file.load_graph().edges if self._written else []
        self._closures = {_key(edge) for edge in edges if edge.is_closure}
        self._last_ns: int | None = None
        self._begun = self._ended = 0

    def add(self, keyframe: MapKeyframe) -> None:
        """A keyframe that is complete."""
        self._new[keyframe.id] = keyframe

    def remove(self, number: int) -> None:
        """A keyframe that the map has dropped."""
        self._moved.discard(number)
        if self._new.pop(number, None) is None:
            self._dropped.add(number)

    def note(self, event: ClosureEvent) -> None:
        """What became of a place that was tried."""
        self._events.append(event)

    def moved(self, numbers: set[int]) -> None:
        """Keyframes whose poses are others now."""
        self._moved |= numbers

    def update(
        self,
        graph: KeyframeGraph,
        stamp_ns: int,
        window: Callable[[set[int]], WindowPart] = lambda _: WindowPart(),
    ) -> None:
        """Write from time to time; ``stamp_ns`` of the image. ``window`` gives the present window
        when it is told which of its keyframes are in the file."""
        self._take()
        is_due = self._last_ns is None or abs(stamp_ns - self._last_ns) >= _EVERY_NS
        if is_due and not self._thread.is_busy:
            self._last_ns = stamp_ns
            self._begin(graph, window(self._window.numbers))

    @property
    def next_writing(self) -> int:
        """Number of the one that begins next: it has all that there is until then."""
        return self._begun + 1

    def has_written(
        self, number: int, graph: KeyframeGraph, window: Callable[[set[int]], WindowPart]
    ) -> bool:
        """Whether writing ``number`` has ended; waits for nothing, but begins it where it is due,
        with the ``window`` as in ``update``.

        Raises:
            MapFileError: when it could not be written.
        """
        self._take()
        if self._ended >= number:
            if self.problem:
                raise MapFileError(self.problem)
            return True
        if self._begun < number and not self._thread.is_busy:
            self._begin(graph, window(self._window.numbers))
        return False

    def finish(
        self,
        graph: KeyframeGraph,
        window: Callable[[set[int]], WindowPart] = lambda _: WindowPart(),
    ) -> None:
        """Write all that is left, and the ``window`` as in ``update``.

        Raises:
            MapFileError: when it cannot be written.
        """
        self._take(is_awaited=True)
        self._begin(graph, window(self._window.numbers))
        self._take(is_awaited=True)
        if self.problem:
            raise MapFileError(self.problem)

    def close(self) -> None:
        """End the thread; what is not written by then is lost."""
        self._thread.close()

    def _begin(self, graph: KeyframeGraph, window: WindowPart) -> None:
        taken_back = {_key(edge): edge for edge in graph.take_removed_edges()}
        self._edges = [e for e in self._edges if _key(e) not in taken_back]
        self._edges += graph.take_new_edges()
        self._taken_back |= {k: e for k, e in taken_back.items() if k in self._closures}
        ready = (self._written | set(self._new)) & graph.poses.keys()
        self._edges = [e for e in self._edges if {e.first, e.second} <= graph.poses.keys()]
        edges = [e for e in self._edges if {e.first, e.second} <= ready]
        moved = (self._moved & ready) | set(self._new)
        poses = {number: graph.poses[number] for number in moved}
        dropped = self._dropped & self._written
        back = [e for e in self._taken_back.values() if not dropped & {e.first, e.second}]
        events, self._events = self._events, []
        changes = _Changes(list(self._new.values()), edges, poses, dropped, back, events)
        self._edges = [e for e in self._edges if not {e.first, e.second} <= ready]
        self._new, self._moved = {}, self._moved - ready
        self._dropped, self._taken_back = self._dropped - dropped, {}
        self._begun += 1
        self._thread.begin(lambda: self._write(changes, window, ready))

    def _write(
        self, changes: _Changes, window: WindowPart, ready: set[int]
    ) -> tuple[_Changes, str]:
        """Add what becomes of the ``window`` and write all, in the saver's own thread."""
        changes = replace(changes, window=self._window.change(window, ready))
        return (changes, "") if changes.is_empty() else _written(self.file, changes)

    def _take(self, is_awaited: bool = False) -> None:
        """Whether the last writing has ended; what it failed to write is kept for the next."""
        outcome = self._thread.take(is_awaited)
        if outcome is None:
            return
        changes, problem = outcome
        self._ended = self._begun
        if problem and problem != self.problem:
            _log.error("%s; it is tried again", problem)
        self.problem = problem
        if problem:
            kept = [k for k in changes.keyframes if k.id not in self._dropped]
            self._dropped -= {k.id for k in changes.keyframes}
            self._new = {k.id: k for k in kept} | self._new
            self._edges = changes.edges + self._edges
            self._events = changes.events + self._events
            self._moved |= set(changes.poses)
            self._dropped |= changes.dropped
            self._taken_back |= {_key(edge): edge for edge in changes.taken_back}
        else:
            self._closures |= {_key(edge) for edge in changes.edges if edge.is_closure}
            self._closures -= {_key(edge) for edge in changes.taken_back}
            self._written |= {k.id for k in changes.keyframes}
            self._written -= changes.dropped
            self._window.written(changes.window)


def _key(edge: Edge) -> tuple[int, int, bool]:
    return edge.first, edge.second, edge.is_closure


def _written(file: MapFile, changes: _Changes) -> tuple[_Changes, str]:
    """Write changes, all or none; with them the reason why they could not be written."""
    try:
        with file.transaction():
            remove_before(file, changes.window)
            new = {k.id for k in changes.keyframes}
            for keyframe in changes.keyframes:
                file.add_keyframe(keyframe, changes.poses[keyframe.id])
            file.update_poses({n: S for n, S in changes.poses.items() if n not in new})
            for edge in changes.edges:
                file.add_edge(edge)
            for event in changes.events:
                file.add_closure_event(event)
            for edge in changes.taken_back:
                file.remove_edge(edge.first, edge.second, edge.is_closure)
            for number in changes.dropped:
                file.remove_keyframe(number)
            write(file, changes.window)
    except MapFileError as error:
        return changes, str(error)
    return changes, ""
