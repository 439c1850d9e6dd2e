"""Reads all of a map file and names what is wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.pose_graph.graph import PoseGraph

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
    graph = _try(map.load_graph, problems)
    if graph is not None:
        problems += _graph_problems(graph)
    for id in progress(_try(map.keyframe_ids, problems) or []):
        _try(lambda id=id: map.load_keyframe(id), problems)  # type: ignore[misc]
    return list(dict.fromkeys(problems))


def components(graph: PoseGraph) -> list[list[int]]:
    """Keyframes that edges join, directly or through others; the largest group first."""
    neighbours: dict[int, list[int]] = {id: [] for id in graph.poses}
    for edge in graph.edges:
        neighbours[edge.first].append(edge.second)
        neighbours[edge.second].append(edge.first)
    groups = []
    left = set(neighbours)
    while left:
        group, waiting = [], [left.pop()]
        while waiting:
            group.append(waiting.pop())
            new = left.intersection(neighbours[group[-1]])
            left -= new
            waiting += new
        groups.append(sorted(group))
    return sorted(groups, key=len, reverse=True)


def _graph_problems(graph: PoseGraph) -> list[str]:
    groups = components(graph)
    if len(groups) <= 1:
        return []
    sizes = ", ".join(f"{len(g)} from keyframe {g[0]} on" for g in groups[:5])
    return [f"the graph is not connected: {len(groups)} parts ({sizes})"]


def _try(read: Callable[[], Item], problems: list[str]) -> Item | None:
    """What is read, or None with the reason among the ``problems``."""
    try:
        return read()
    except MapFileError as error:
        problems.append(str(error))
        return None
