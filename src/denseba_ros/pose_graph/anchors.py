"""Which poses are held: each connected part of a graph needs one, else it could float away."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from denseba_ros.pose_graph.graph_arrays import GraphArrays


def parts(arrays: GraphArrays) -> NDArray[np.int32]:
    """Number (V,) of the connected part that each pose belongs to."""
    size = len(arrays.numbers)
    joined = (np.ones(len(arrays.first)), (arrays.first, arrays.second))
    labels: NDArray[np.int32] = connected_components(coo_array(joined, shape=(size, size)), False)[
        1
    ]
    return labels


def held(arrays: GraphArrays, fixed: Iterable[int]) -> NDArray[np.bool_]:
    """Which poses (V,) do not move: those of the keyframes ``fixed``, and the first of each
    connected part that has none.

    Raises:
        PoseGraphError: a keyframe of ``fixed`` has no pose.
    """
    result = np.zeros(len(arrays.numbers), dtype=bool)
    result[[arrays.index(number) for number in fixed]] = True
    labels = parts(arrays)
    _, first = np.unique(labels, return_index=True)
    without = np.bincount(labels, weights=result) == 0
    result[first[without]] = True
    return result
