"""What a map with a window tells its file; nothing, where there is none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from denseba_ros.global_map.closing.loop_closer import Outcome
from denseba_ros.global_map.closing.loop_search import Found
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.global_map.map_saver import MapSaver
from denseba_ros.global_map.window_in_file import NumberedKeyframe, WindowPart
from denseba_ros.map_file.closure_event import ClosureEvent
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.slam.mapping.window_history import WindowChange


class MapWriting:
    """Only one thread at a time calls it: the one that tracks, or one that holds its lock."""

    def __init__(
        self,
        saver: MapSaver | None,
        graph: KeyframeGraph,
        session: int,
        found: Mapping[int, Found],
        outcomes: deque[Outcome],
    ) -> None:
        """``found``: what is in the images of the window, by number; ``outcomes`` of places that
        were tried, which are taken from there."""
        self._saver, self._graph, self._session = saver, graph, session
        self._found, self._outcomes = found, outcomes
        self._last_change: WindowChange | None = None
        self._incomplete: dict[int, MapKeyframe] = {}

    @property
    def problem(self) -> str:
        """Why the map cannot be written at present; empty where all is well."""
        return "" if self._saver is None else self._saver.problem

    def left(self, keyframe: MapKeyframe) -> None:
        """A keyframe that left the window and is not complete: until it is, it stands in the file
        beside those of the window."""
        if self._saver is not None:
            self._incomplete[keyframe.id] = keyframe

    def add(self, keyframe: MapKeyframe) -> None:
        """A keyframe that is complete."""
        self._incomplete.pop(keyframe.id, None)
        if self._saver is not None:
            self._saver.add(keyframe)

    def remove(self, number: int) -> None:
        """A keyframe that the map has dropped."""
        self._incomplete.pop(number, None)
        if self._saver is not None:
            self._saver.remove(number)

    def moved(self) -> None:
        """The poses of all keyframes are others now."""
        if self._saver is not None:
            self._saver.moved(set(self._graph.poses))

    def update(self, change: WindowChange) -> None:
        """Write from time to time; ``change`` of the window is the last one."""
        if self._saver is None:
            return
        self._last_change = change
        self._note_outcomes(change)
        stamp_ns = change.local_map.newest.stamp_ns
        self._saver.update(self._graph, stamp_ns, partial(self._window_part, change))

    def save(self) -> None:
        """Write all with the window, and wait for that.

        Raises:
            MapFileError: when the file cannot be written.
        """
        if self._saver is not None and self._last_change is not None:
            self._saver.finish(self._graph, partial(self._window_part, self._last_change))

    def ask_to_save(self) -> Callable[[], bool]:
        """Ask for what ``save`` does, without waiting: the call that is returned does the next step
        of it and says whether all that there is now has been written. It raises as ``save``."""
        saver, change = self._saver, self._last_change
        if saver is None or change is None:
            return lambda: True
        number = saver.next_writing
        return lambda: saver.has_written(
            number, self._graph, partial(self._window_part, self._last_change or change)
        )

    def finish(self) -> None:
        """Write all that is left, without a window, and wait for that.

        Raises:
            MapFileError: when the file cannot be written.
        """
        if self._saver is not None:
            if self._last_change is not None:
                self._note_outcomes(self._last_change)
            self._saver.finish(self._graph)

    def close(self) -> None:
        """End the thread that writes."""
        if self._saver is not None:
            self._saver.close()

    def _note_outcomes(self, change: WindowChange) -> None:
        """Let the file say what became of each place that was tried by then."""
        stamp_ns = change.local_map.newest.stamp_ns
        while self._outcomes and self._saver is not None:
            outcome = self._outcomes.popleft()
            self._saver.note(ClosureEvent(self._session, stamp_ns, **vars(outcome)))

    def _window_part(self, change: WindowChange, in_file: set[int]) -> WindowPart:
        """The window for the map's file, where these of its keyframes are already."""
        if change.is_provisional:
            return WindowPart()
        new, graph, session = [], self._graph, self._session
        waiting = [k for number, k in self._incomplete.items() if number not in in_file]
        for keyframe in change.local_map.keyframes:
            number = graph.number(keyframe.stamp_ns)
            if number is None or number in in_file or number in graph.poses:
                continue
            found = self._found.get(number)
            described = None if found is None else found.described
            new.append(NumberedKeyframe(keyframe, number, described))
        poses = graph.poses_with_window(change.local_map)
        edges = graph.edges_later(change.local_map, change.displacement)
        return WindowPart(
            lambda: [*waiting, *(one.as_kept(session) for one in new)],
            lambda: PoseGraph(poses, edges()),
        )
