"""The map beside the window: what the system forgets, it keeps, and it recognises places.

``update`` after each image is all there is to call. The window is not touched: where a loop is
closed, the keyframes that left it move, and with them how its world lies in the map.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from denseba_ros.errors import DensebaError
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.adjustment.map_adjustment import MapAdjustment, Progress, adjust_map
from denseba_ros.global_map.background import Background
from denseba_ros.global_map.closing.afterwards import Afterwards
from denseba_ros.global_map.closing.closure import Closure
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.closing.loop_search import (
    Described,
    Found,
    LoopSearch,
    MeasuredAgain,
    Query,
)
from denseba_ros.global_map.closing.records import record
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.global_map.map_saver import MapSaver
from denseba_ros.global_map.map_writing import MapWriting
from denseba_ros.global_map.saved_map import SavedMap
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.window_history import LeftKeyframe, WindowChange
from denseba_ros.slam.state.pose_covariance import PoseCovariance
from denseba_ros.slam.system import System

_log = logging.getLogger(__name__)

# Keyframes before the present one that see the same, or nearly: no loop is closed with them.
_NEIGHBOURS = 15
# Searches that begin where a hint says.
_HINTED = 20
# While images wait a search begins at most so often, nanoseconds by their stamps.
_REST_NS = 1_000_000_000


_Result = Found | MeasuredAgain | Described


class GlobalMap:
    """All keyframes of one system, and of earlier sessions. Only the thread that tracks calls it.

    ``closures``: those of this session, ``graph`` of the keyframes, ``session`` its number.
    """

    def __init__(
        self,
        search: LoopSearch,
        scale_drift: float,
        is_live: bool,
        saved: SavedMap | None = None,
        session: int = 0,
        saver: MapSaver | None = None,
        is_fixed: bool = False,
        file: MapReader | None = None,
    ) -> None:
        """A map that begins with the next image.

        Args:
            search: with the store that keyframes are kept in and the index of their places.
            scale_drift: as in ``KeyframeGraph``.
            is_live: searches run beside tracking.
            saved: the map of earlier sessions, whose keyframes the store knows.
            session: number of this one.
            saver: writes the map to a file; None: it ends with this object.
            is_fixed: keyframes of earlier sessions do not move.
            file: is closed with this object.
        """
        self.graph = (
            KeyframeGraph(scale_drift)
            if saved is None
            else KeyframeGraph(scale_drift, saved.graph, saved.first)
        )
        self.session = session
        self.closures: list[Closure] = []
        self._search, self._is_fixed, self._file = search, is_fixed, file
        self._system: System | None = None
        self._thread: Background[_Result] = Background(
            "denseba loops", is_live, self._is_tracking_urgent
        )
        self._S_hint_world: Doubles | None = None
        self._hinted = 0
        self._found: dict[int, Found] = {}
        self._writing = MapWriting(saver, self.graph, session, self._found, search.closer.outcomes)
        self._searched: int | None = None
        self._searched_ns = 0
        self._afterwards = Afterwards(search, self.graph, _NEIGHBOURS)
        self._displacement = PoseCovariance().displacement
        self._last_changes: list[WindowChange] = []

    @property
    def counts(self) -> Counter[str]:
        """How often each step of the ladder refused a candidate, and what was accepted."""
        return self._search.closer.counts

    @property
    def store(self) -> KeyframeStore:
        """The keyframes that left the window."""
        return self._search.store

    @property
    def search(self) -> LoopSearch:
        """What verifies closures, with the keyframes."""
        return self._search

    @property
    def displacement(self) -> float:
        """As ``WindowChange`` has it, of the last image."""
        return self._displacement

    @property
    def camera(self) -> Pinhole:
        """That of all keyframes."""
        return self._search.tracker.camera

    @property
    def problem(self) -> str:
        """Why the map cannot be written at present; empty where all is well."""
        return self._writing.problem

    def update(self, system: System) -> Closure | None:
        """Take in what the last image changed; the loop that was closed since the call before."""
        self._system = system
        closure = self._take()
        return self._take_in(system.history.take(), system) or closure

    def _take_in(self, changes: list[WindowChange], system: System) -> Closure | None:
        """Take in changes of the window, and begin with what follows from them."""
        closure = None
        for change in changes:
            self._displacement = change.displacement
            for number, left in self.graph.take(change):
                self._keep(number, left)
        # A closure of a keyframe that goes with a provisional window would be lost with it.
        if changes and not changes[-1].is_provisional and not self._must_wait(system, changes[-1]):
            self._begin_search(changes[-1])
            closure = self._take() or closure
        if not system.is_behind:
            self._catch_up()
        if changes:
            self._writing.update(changes[-1])
        return closure

    def hint(self, S_map_world: Doubles) -> None:
        """Places near where ``S_map_world`` (4, 4) puts the camera are tried first, until one is
        recognised; in the next searches only, since somebody says it, and it may be wrong."""
        self._S_hint_world, self._hinted = S_map_world, _HINTED

    def save(self) -> None:
        """Write the map as it is, and wait for that; the session goes on.

        Raises:
            MapFileError: when the file cannot be written.
        """
        self._writing.save()

    def ask_to_save(self) -> Callable[[], bool]:
        """As ``save``, step by step (``MapWriting``), while the session goes on between."""
        return self._writing.ask_to_save()

    def saved_keyframe(self, number: int) -> MapKeyframe:
        """A keyframe of an earlier session, from the file; from any thread.

        Raises:
            KeyError: there is no file.
            MapFileError: it cannot be read.
        """
        if self._file is None:
            raise KeyError(number)
        return self._file.load_keyframe(number)

    def finish(self, system: System) -> Closure | None:
        """End the session: the keyframes of the window leave it, and all is written.

        Raises:
            MapFileError: when the file cannot be written.
        """
        self.leave(system)
        return self.complete()

    def leave(self, system: System) -> None:
        """The keyframes of the window leave it; from now on the system goes on without this map."""
        self._system = system
        system.history.end(system.local_map)
        self._last_changes = system.history.take()

    def complete(self) -> Closure | None:
        """After ``leave``, all that is left to be done, and written; in any thread.

        Raises:
            MapFileError: when the file cannot be written.
        """
        assert self._system is not None
        closure = self._take(is_awaited=True)
        changes, self._last_changes = self._last_changes, []
        closure = self._take_in(changes, self._system) or closure
        self._catch_up()
        while self._thread.is_busy:
            closure = self._take(is_awaited=True) or closure
            self._catch_up()
        self._settle()
        self._writing.finish()
        return closure

    def close(self) -> None:
        """Let go of the file; may be called again."""
        self._thread.close()
        self._writing.close()
        if self._file is not None:
            self._file.close()

    def adjust(self, progress: Progress = iter) -> MapAdjustment | None:
        """Adjust all keyframes and their points together, after ``finish``, and write that; some
        5 ms for each pair of keyframes, which ``progress`` passes on. None where there is nothing
        to adjust.

        Raises:
            MapFileError: when a keyframe cannot be read from the map's file, or that be written.
        """
        graph = self.graph.whole()
        if len(graph.poses) < 2:
            return None
        adjusted = adjust_map(self.camera, self.store, graph, self.fixed(), progress)
        self.graph.adjust(adjusted.poses)
        self._writing.moved()
        self._writing.finish()
        return adjusted

    def fixed(self) -> list[int]:
        """Keyframes that are not to move."""
        return [n for n in self.graph.poses if self._is_fixed and n < self.graph.first]

    def keyframe_poses(self, window: LocalMap) -> dict[int, Doubles]:
        """S_map_camera (4, 4) of all keyframes of this session by stamp, and of the ``window``."""
        S_map_world = self.graph.S_map_world
        poses = {stamp: S_map_world @ T for stamp, T in window.poses().items()}
        return poses | self.graph.poses_by_stamp()

    def _is_tracking_urgent(self) -> bool:
        """Whether images are worked on or wait; asked by the thread of the searches."""
        return self._system is not None and (self._system.is_urgent or self._system.is_behind)

    def _keep(self, number: int, left: LeftKeyframe) -> None:
        """Keep a keyframe that left the window, and let its place be found from now on."""
        keyframe = record(left.keyframe, number, self.session)
        self.store.add(keyframe)
        if number in self._found:
            self._complete(self._found.pop(number).described)
            return
        self._writing.left(keyframe)
        if number != self._searched:
            self.counts["keyframes that no search was begun for"] += 1
            self._afterwards.describe(number)

    def _complete(self, found: Described) -> None:
        """Add what is in its image to a keyframe that left the window."""
        number = found.number
        if number not in self.graph.poses:
            return
        keyframe = found.added_to(self.store.get(number))
        self.store.add(keyframe)
        self._search.index.add(number, found.descriptor)
        self._afterwards.measure(number)
        self._writing.add(keyframe)

    def _must_wait(self, system: System, change: WindowChange) -> bool:
        """Whether no search may begin: one is under way, or images wait and there was one lately,
        since it needs half a core that tracking then lacks."""
        since_ns = abs(change.local_map.newest.stamp_ns - self._searched_ns)
        return self._thread.is_busy or (system.is_behind and since_ns < _REST_NS)

    def _begin_search(self, change: WindowChange) -> None:
        newest = change.local_map.newest
        number = self.graph.number(newest.stamp_ns)
        if number is None or number in self._found or number in self.graph.poses:
            return
        first, is_joined = self.graph.first, self.graph.is_joined
        hint = None
        if self._S_hint_world is not None and self._hinted > 0 and not is_joined:
            self._hinted -= 1
            hint = self._S_hint_world @ change.local_map.poses()[newest.stamp_ns]
        neighbours = tuple(range(max(number - _NEIGHBOURS, first), number + 1))
        query = Query(
            number,
            newest,
            self.graph.poses_with_window(change.local_map),
            self.graph.edges_later(change.local_map, change.displacement),
            neighbours,
            units={near: self.graph.unit_of(near) for near in neighbours},
            displacement=change.displacement,
            first=None if is_joined else first,
            fixed=self.fixed(),
            hint=hint,
        )
        self._searched, self._searched_ns = number, newest.stamp_ns
        self._thread.begin(partial(self._search.run, query))

    def _take(self, is_awaited: bool = False) -> Closure | None:
        """Take over the result of a search, where one has ended."""
        try:
            found = self._thread.take(is_awaited)
        except DensebaError as error:  # the map may be in trouble; tracking is not
            self._give_up_search(error)
            return None
        if found is None:
            return None
        if isinstance(found, MeasuredAgain):
            self._replace(found)
            return None
        if isinstance(found, Described):
            self._complete(found)
            return None
        number, self._searched = found.query.number, None
        if number in self.graph.poses:  # it has left the window meanwhile
            self._complete(found.described)
        else:
            self._found[number] = found
        return None if found.closed is None else self._correct(found)

    def _give_up_search(self, error: DensebaError) -> None:
        """Go on without what a search would have given."""
        number = self._afterwards.describing if self._searched is None else self._searched
        self._searched = None
        self.counts["search failed"] += 1
        _log.error("a search for loops failed: %s", error)
        if number is not None and number in self.graph.poses:
            self._writing.add(self.store.get(number))

    def _correct(self, found: Found) -> Closure:
        query, closed = found.query, found.closed
        assert closed is not None
        self.graph.close(closed.closures, query.units)
        correction = self.graph.correct(closed.result.poses, query.graph, query.number)
        self._writing.moved()
        self._afterwards.closed([edge.second for edge in closed.closures])
        self.closures.append(Closure(tuple(closed.closures), correction))
        return self.closures[-1]

    def _catch_up(self) -> None:
        """Begin with what is left to be done for keyframes that have left, where nothing else is
        under way."""
        while not self._thread.is_busy:
            job = self._afterwards.next_job(self._displacement)
            if job is None:
                return
            self._thread.begin(job)
            self._take()

    def _replace(self, measured: MeasuredAgain) -> None:
        """Take over closures that were measured again; a keyframe that shows what an older one
        does is dropped."""
        known = {edge.first for edge in self.graph.closures_of(measured.number)}
        for edge in measured.edges:
            if edge.first in known:
                self.graph.replace(edge)
        for edge in measured.contradicted:
            if edge.first in known:
                self.graph.take_back(edge)
        kept = measured.same_view
        if kept in self.graph.poses and self.graph.drop(measured.number, kept):
            self.counts["keyframes dropped that show the same as an older one"] += 1
            self.store.remove(measured.number)
            self._search.index.remove(measured.number)
            self._writing.remove(measured.number)

    def _settle(self) -> None:
        """Let all keyframes fit what was measured since the last closure."""
        graph = self.graph.whole()
        # Without a closure too: keyframes leave where the window has them after it was rescaled.
        if len(graph.poses) < 2:
            return
        result = optimise(graph, self.fixed())
        if result.ok:
            self.graph.correct(result.poses, graph, max(graph.poses))
            self._writing.moved()
