"""Pairs of keyframes that should see the same, by where they lie: a few close in time, and a few
from other visits of the place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.proximity import distances_and_angles
from denseba_ros.pose_graph.components import components
from denseba_ros.pose_graph.graph import PoseGraph

# A keyframe's points are looked for in so many keyframes of the same visit, and of others.
_OF_THIS_VISIT, _OF_OTHERS = 6, 6
# Keyframes so many images of the map apart are of the same visit.
_VISIT = 15
# Largest distance over the depth of the scene, and angle, between both views.
_MAX_DISTANCE, _MAX_ANGLE = 0.5, np.radians(35.0)

Pair = tuple[int, int]


def covisible_pairs(graph: PoseGraph, depths: dict[int, float]) -> list[Pair]:
    """Host and target of all pairs, by their hosts; ``depths``: median of each keyframe's scene, in
    its own unit. Between parts of the graph that nothing joins there is none."""
    pairs: list[Pair] = []
    for piece in components(graph):
        numbers = np.array(sorted(piece))
        poses = np.stack([graph.poses[number] for number in numbers])
        for row, number in enumerate(numbers.tolist()):
            others = _seen_from(row, poses, depths[number])
            pairs += [(number, int(numbers[other])) for other in others]
    # Those that a link joins share what it was measured by.
    for edge in graph.edges:
        pairs += [(edge.first, edge.second), (edge.second, edge.first)]
    return sorted(set(pairs))


def _seen_from(row: int, poses: NDArray[np.float64], depth: float) -> list[int]:
    """Rows of ``poses`` (N, 4, 4) that should see what keyframe ``row`` sees."""
    # Neighbours in time are asked anyway: without them the path would fall apart.
    neighbours = [n for n in (row - 1, row + 1) if 0 <= n < len(poses)]
    distance, angle = distances_and_angles(sim3.inverse(poses[row]) @ poses)
    if not np.isfinite(depth):  # it has no point
        return neighbours
    distance = distance / max(depth, 1e-9)
    sees = (distance < _MAX_DISTANCE) & (angle < _MAX_ANGLE)
    sees[row] = False
    closest = np.argsort(distance / _MAX_DISTANCE + angle / _MAX_ANGLE, kind="stable")
    closest = closest[sees[closest]]
    is_near = np.abs(closest - row) <= _VISIT
    chosen = [*_spread(closest[is_near], _OF_THIS_VISIT), *_spread(closest[~is_near], _OF_OTHERS)]
    return [*chosen, *(n for n in neighbours if n not in chosen)]


def _spread(rows: NDArray[np.int64], count: int) -> list[int]:
    """Up to ``count`` of ``rows``, from the first to the last: wide baselines, too."""
    if len(rows) <= count:
        return [int(row) for row in rows]
    return [int(rows[k]) for k in np.linspace(0, len(rows) - 1, count).round().astype(int)]
