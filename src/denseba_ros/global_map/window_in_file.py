"""The window's keyframes in the map's file: of no use but where the process is killed.

They change with every adjustment, and a window may be given up. So they stand in the file as what
they are at present, and each is written anew, for good, when it has left the window.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.global_map.closing.loop_search import Described
from denseba_ros.global_map.closing.records import record
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph


class WindowPart:
    """Those ``keyframes`` of the window that are not in the file, and the ``graph`` of all, with
    the window as it is when this is made; worked out by the thread that asks for them, some 15 ms.
    """

    def __init__(
        self,
        keyframes: Callable[[], list[MapKeyframe]] = list,
        graph: Callable[[], PoseGraph] = PoseGraph,
    ) -> None:
        self._keyframes, self._graph = keyframes, graph

    @cached_property
    def keyframes(self) -> list[MapKeyframe]:
        """As they are kept."""
        return self._keyframes()

    @cached_property
    def graph(self) -> PoseGraph:
        """All poses and edges."""
        return self._graph()


@dataclass(frozen=True)
class NumberedKeyframe:
    """A ``keyframe`` of the window with its ``number``, and what is in its image where that is
    known."""

    keyframe: WindowKeyframe
    number: int
    described: Described | None

    def as_kept(self, session: int) -> MapKeyframe:
        """The keyframe for the file."""
        kept = record(self.keyframe, self.number, session)
        return kept if self.described is None else self.described.added_to(kept)


@dataclass(frozen=True)
class WindowChange:
    """What becomes of it: keyframes that are ``gone`` and ``edges_before`` are removed, then
    ``keyframes`` added, ``poses`` (4, 4) set by number, and ``edges`` written."""

    keyframes: list[MapKeyframe] = field(default_factory=list)
    poses: dict[int, Doubles] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    edges_before: list[Edge] = field(default_factory=list)


class WindowInFile:
    """``numbers`` of the keyframes that are in the file for the time being."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self._edges: list[Edge] = []

    def change(self, window: WindowPart, lasting: Collection[int]) -> WindowChange:
        """From what is in the file to ``window``; ``lasting`` are there for good, or will be by the
        same transaction."""
        poses, keyframes = window.graph.poses, window.keyframes
        known = {*self.numbers, *(k.id for k in keyframes)}
        mine = (known & poses.keys()) - set(lasting)
        in_file = mine.union(lasting)
        edges = [
            edge
            for edge in window.graph.edges
            if {edge.first, edge.second} <= in_file and {edge.first, edge.second} & mine
        ]
        return WindowChange(
            [k for k in keyframes if k.id in mine],
            {number: poses[number] for number in mine},
            edges,
            self.numbers - mine,
            self._edges,
        )

    def written(self, change: WindowChange) -> None:
        """``change`` is in the file now."""
        self.numbers, self._edges = set(change.poses), change.edges


def remove_before(file: MapFile, change: WindowChange) -> None:
    """Remove what is there no more, before anything is written.

    Raises:
        MapFileError: when it cannot be removed.
    """
    for edge in change.edges_before:
        file.remove_edge(edge.first, edge.second, edge.is_closure)
    for number in change.gone:
        file.remove_keyframe(number)


def write(file: MapFile, change: WindowChange) -> None:
    """Write what there is now, after all that lasts.

    Raises:
        MapFileError: when it cannot be written.
    """
    new = {keyframe.id for keyframe in change.keyframes}
    for keyframe in change.keyframes:
        file.add_keyframe(keyframe, change.poses[keyframe.id])
    file.update_poses({n: S for n, S in change.poses.items() if n not in new})
    for edge in change.edges:
        file.add_edge(edge)
