"""Malformed graphs get clear errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from denseba_ros.errors import PoseGraphError
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays
from tests.pose_graph.small_graphs import COVARIANCE, chain, random_poses

_NAN = np.where(np.eye(7) > 0, np.nan, 0.0)
_MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"second": 99}, "edge from 11 to 99 joins a keyframe that has no pose"),
        ({"second": 11}, "edge from 11 to 11 joins a keyframe with itself"),
        ({"covariance": _NAN}, "covariance of the edge from 11 to 12 is not finite"),
        ({"covariance": -COVARIANCE}, "is not positive definite"),
        ({"covariance": np.zeros((7, 7))}, "is not positive definite"),
        ({"covariance": np.ones((7, 7))}, "is not positive definite"),
        ({"covariance": np.eye(6)}, r"must be \(7, 7\)"),
        ({"S_first_second": np.full((4, 4), np.nan)}, "from 11 to 12 measures no similarity"),
        ({"S_first_second": _MIRROR}, "measures no similarity"),
        ({"S_first_second": np.diag([2.0, 1.0, 1.0, 1.0])}, "measures no similarity"),
        ({"S_first_second": np.eye(3)}, r"must be \(4, 4\)"),
    ],
)
def test_malformed_edges(changed: dict[str, Any], message: str) -> None:
    graph = chain(random_poses(4))
    graph.edges[1] = replace(graph.edges[1], **changed)
    with pytest.raises(PoseGraphError, match=message):
        GraphArrays.of(graph)


@pytest.mark.parametrize("pose", [np.full((4, 4), np.inf), np.zeros((4, 4)), _MIRROR])
def test_malformed_poses(pose: np.ndarray) -> None:
    graph = chain(random_poses(4))
    graph.poses[12] = pose
    with pytest.raises(PoseGraphError, match="pose of keyframe 12 is no similarity"):
        GraphArrays.of(graph)


def test_units_that_differ_much_are_no_fault() -> None:
    graph = chain(random_poses(3))
    wide = np.diag(np.repeat([1e6, 1e-10, 1e-8], [3, 3, 1]))
    graph.edges[0] = replace(graph.edges[0], covariance=wide)
    whitening = GraphArrays.of(graph).whitening[0]
    np.testing.assert_allclose(whitening @ wide @ whitening.T, np.eye(7), atol=1e-9)


def test_empty_graph() -> None:
    arrays = GraphArrays.of(PoseGraph())
    assert arrays.poses.shape == (0, 4, 4)
    assert arrays.whitening.shape == (0, 7, 7)
