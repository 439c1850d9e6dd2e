"""Which poses are held: each connected part of a graph needs one, else it could float away."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from denseba_ros.pose_graph.components import connected_labels
from denseba_ros.pose_graph.graph_arrays import GraphArrays


def held(arrays: GraphArrays, fixed: Iterable[int]) -> NDArray[np.bool_]:
    """Which poses (V,) do not move: those of the keyframes ``fixed``, and the first of each
    connected part that has none.

    Raises:
        PoseGraphError: a keyframe of ``fixed`` has no pose.
    """
    result = np.zeros(len(arrays.numbers), dtype=bool)
    result[[arrays.index(number) for number in fixed]] = True
    labels = connected_labels(len(arrays.numbers), arrays.first, arrays.second)
    _, first = np.unique(labels, return_index=True)
    without = np.bincount(labels, weights=result) == 0
    result[first[without]] = True
    return result
