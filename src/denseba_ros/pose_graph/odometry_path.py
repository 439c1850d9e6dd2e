"""How well odometry alone knows where one keyframe is from another: a gate for closures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays
from denseba_ros.pose_graph.relative_pose import RelativePose


def along_odometry(graph: PoseGraph, first: int, second: int) -> RelativePose | None:
    """The relative pose of two keyframes as the graph's poses have it, with the covariances of the
    fewest odometry edges that join them, compounded to first order; None if closures alone do.

    As if none of the closures held: never too small. Linear, so it is too small where the rotation
    is uncertain by more than some 20 degrees.

    Raises:
        PoseGraphError: the graph is malformed, or one of the two is not in it.
    """
    arrays = GraphArrays.of(graph)
    path = _path(arrays, arrays.index(first), arrays.index(second))
    if path is None:
        return None
    origin = sim3.inverse(arrays.poses[path[0]])
    S_first_path = origin @ arrays.poses[path]
    total = np.zeros((7, 7))
    edges = _edges_between(arrays, graph.edges)
    steps = zip(path[:-1].tolist(), path[1:].tolist(), strict=True)
    to_first = sim3.adjoint(S_first_path)
    for place, step in enumerate(steps):
        # An edge's error is in the axes of its own first keyframe, wherever the path comes from.
        forward = step in edges
        edge, start = edges[step if forward else step[::-1]], place + (not forward)
        total += to_first[start] @ edge.covariance @ to_first[start].T
    return RelativePose(S_first_path[-1], total)


def _path(arrays: GraphArrays, first: int, second: int) -> NDArray[np.int64] | None:
    odometry = ~arrays.is_closure
    size = len(arrays.numbers)
    ends = (arrays.first[odometry], arrays.second[odometry])
    links = coo_array((np.ones(int(odometry.sum())), ends), shape=(size, size)).tocsr()
    _, before = breadth_first_order(links, first, directed=False)
    path = [second]
    while path[-1] != first:
        if before[path[-1]] < 0:
            return None
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.int64)


def _edges_between(arrays: GraphArrays, edges: list[Edge]) -> dict[tuple[int, int], Edge]:
    ends = zip(arrays.first.tolist(), arrays.second.tolist(), edges, strict=True)
    return {(first, second): edge for first, second, edge in ends if not edge.is_closure}
