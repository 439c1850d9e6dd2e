"""Which keyframes of a graph are of one piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.graph_arrays import numbered


def components(graph: PoseGraph) -> list[list[int]]:
    """Keyframes that edges join, directly or through others; the largest group first.

    Raises:
        PoseGraphError: an edge joins a keyframe that has no pose, or one with itself.
    """
    numbers, ends = numbered(graph)
    labels = connected_labels(len(numbers), ends[:, 0], ends[:, 1])
    groups = [numbers[labels == label].tolist() for label in range(labels.max(initial=-1) + 1)]
    return sorted(groups, key=lambda group: (-len(group), group[0]))


def connected_labels(
    count: int, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Number (V,) of the piece of each of ``count`` poses, which edges (E,) from ``first`` to
    ``second`` join."""
    joined = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    labels: NDArray[np.int32] = connected_components(joined, False)[1]
    return labels
