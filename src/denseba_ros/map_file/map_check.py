"""Reads all of a map file and names what is wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from denseba_ros.errors import MapFileError, PoseGraphError
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.pose_graph.components import components
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays

Item = TypeVar("Item")
Progress = Callable[[Iterable[int]], Iterable[int]]
"""Passes numbers of keyframes on, and shows how far it is."""


def check_map(map: MapReader, progress: Progress = iter) -> list[str]:
    """What is wrong, a line each; empty when every page, row, pose and edge is as it should be.

    Reads and decodes every keyframe.
    """
    problems = map.integrity_problems()
    for part in (map.sessions, map.closure_events, map.descriptors):
        _try(part, problems)
    graph, entries = _try(map.load_graph, problems), _try(map.entries, problems)
    if graph is not None and entries is not None:
        problems += _graph_problems(graph, {entry.id: entry.session for entry in entries})
    for id in progress(_try(map.keyframe_ids, problems) or []):
        _try(lambda id=id: map.load_keyframe(id), problems)  # type: ignore[misc]
    return list(dict.fromkeys(problems))


def unjoined_sessions(map: MapReader) -> list[str]:
    """A line for each group of sessions that no edge joins to the largest: they have frames of
    their own, which is no damage.

    Raises:
        MapFileError: when the map is damaged.
    """
    session_of = {entry.id: entry.session for entry in map.entries()}
    groups = [sorted({session_of[id] for id in ids}) for ids in components(map.load_graph())]
    return [f"{_listed(group)} not joined to {_listed(groups[0])}" for group in groups[1:]]


def _listed(sessions: list[int]) -> str:
    return f"session{'s' if len(sessions) > 1 else ''} {', '.join(str(s) for s in sessions)}"


def _graph_problems(graph: PoseGraph, session_of: dict[int, int]) -> list[str]:
    """A pose or an edge that no graph is solved with, and sessions whose keyframes are not all
    joined."""
    try:
        GraphArrays.of(graph)
        groups = components(graph)
    except PoseGraphError as error:
        return [str(error)]
    parts: dict[int, list[list[int]]] = {}
    for group in groups:
        for session in {session_of[id] for id in group}:
            parts.setdefault(session, []).append(group)
    return [
        f"the graph of session {session} is not connected: {len(groups)} parts, which begin at "
        f"keyframes {', '.join(str(group[0]) for group in groups[:5])}"
        for session, groups in sorted(parts.items())
        if len(groups) > 1
    ]


def _try(read: Callable[[], Item], problems: list[str]) -> Item | None:
    """What is read, or None with the reason among the ``problems``."""
    try:
        return read()
    except MapFileError as error:
        problems.append(str(error))
        return None
