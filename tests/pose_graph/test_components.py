"""Which keyframes are of one piece."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.errors import PoseGraphError
from denseba_ros.pose_graph.components import components
from denseba_ros.pose_graph.graph import Edge, PoseGraph


def graph(*ends: tuple[int, int]) -> PoseGraph:
    edges = [Edge(first, second, np.eye(4), np.eye(7)) for first, second in ends]
    return PoseGraph(dict.fromkeys(range(7), np.eye(4)), edges)


def test_keyframes_are_joined_through_others() -> None:
    assert components(graph((6, 0), (0, 3), (3, 5), (1, 2))) == [[0, 3, 5, 6], [1, 2], [4]]


def test_without_keyframes_there_are_none() -> None:
    assert components(PoseGraph()) == []


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(PoseGraphError, match="no pose"):
        components(graph((0, 9)))
