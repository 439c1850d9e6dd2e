"""How well odometry alone knows where one keyframe is from another: a gate for closures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.graph_arrays import numbered, place_of
from denseba_ros.pose_graph.relative_pose import RelativePose


def along_odometry(graph: PoseGraph, first: int, second: int) -> RelativePose | None:
    """The relative pose of two keyframes as the graph's poses have it, with the covariances of the
    fewest odometry edges that join them, compounded to first order; None if closures alone do.

    As if none of the closures held: never too small. Linear, so it is too small where the rotation
    is uncertain by more than some 20 degrees.

    Raises:
        PoseGraphError: one of the two is not in the graph, or what is on the way is malformed.
    """
    numbers, ends = numbered(graph)
    places = place_of(first, numbers), place_of(second, numbers)
    odometry = [(place, e) for place, e in enumerate(graph.edges) if not e.is_closure]
    joined = ends[[place for place, _ in odometry]].reshape(-1, 2)
    path = _path(joined, len(numbers), *places)
    if path is None:
        return None
    poses = np.array([graph.poses[int(number)] for number in numbers[path]])
    S_first_path = sim3.inverse(poses[0]) @ poses
    to_first = sim3.adjoint(S_first_path)
    edges = {(a, b): e for (a, b), (_, e) in zip(joined.tolist(), odometry, strict=True)}
    total = np.zeros((7, 7))
    for place, step in enumerate(pairwise(path)):
        # An edge's error is in the axes of its own first keyframe, wherever the path comes from.
        forward = step in edges
        edge, start = edges[step if forward else step[::-1]], place + (not forward)
        total += to_first[start] @ edge.covariance @ to_first[start].T
    if not np.isfinite(total).all():
        raise PoseGraphError(f"poses or edges from {first} to {second} are not finite")
    return RelativePose(S_first_path[-1], total)


def _path(ends: NDArray[np.int64], size: int, first: int, second: int) -> list[int] | None:
    links = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size)).tocsr()
    _, before = breadth_first_order(links, first, directed=False)
    path = [second]
    while path[-1] != first:
        if before[path[-1]] < 0:
            return None
        path.append(int(before[path[-1]]))
    return path[::-1]
