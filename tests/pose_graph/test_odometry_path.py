"""Covariance along odometry against samples and against the whole graph's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.pose_graph.marginals import Marginals
from denseba_ros.pose_graph.odometry_path import OdometryPaths
from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER
from tests.pose_graph.small_graphs import COVARIANCE, chain, full_covariance, random_poses, relative


def _chain(count: int) -> PoseGraph:
    """With full covariances, and every second edge turned round."""
    graph = chain(random_poses(count))
    for i, edge in enumerate(graph.edges):
        edge = replace(edge, covariance=full_covariance(i))
        if i % 2:
            S = sim3.inverse(edge.S_first_second)
            edge = Edge(edge.second, edge.first, S, edge.covariance)
        graph.edges[i] = edge
    return graph


def _sampled(graph: PoseGraph, first: int, second: int, count: int = 20000) -> Doubles:
    """Covariance (7, 7) of the relative pose from drawn errors of the edges of a chain."""
    random = np.random.default_rng(0)
    S = np.broadcast_to(np.eye(4), (count, 4, 4))
    for edge in graph.edges[first - 10 : second - 10]:
        error = random.multivariate_normal(np.zeros(7), 0.01 * edge.covariance, count)
        measured = sim3.exp(error) @ edge.S_first_second
        S = S @ (measured if edge.first < edge.second else sim3.inverse(measured))
    expected = sim3.inverse(graph.poses[first]) @ graph.poses[second]
    return 100.0 * np.cov(sim3.log(S @ sim3.inverse(expected)).T)


def test_covariance_is_that_of_samples() -> None:
    graph = _chain(6)
    found = OdometryPaths(graph).relative(10, 15)
    assert found is not None
    sampled = _sampled(graph, 10, 15)
    sigma = np.sqrt(np.diag(found.covariance))
    scaled = (sampled - found.covariance) / np.outer(sigma, sigma)
    assert np.abs(scaled).max() < 0.05


@pytest.mark.parametrize(("first", "second"), [(10, 15), (15, 10), (12, 14), (14, 13)])
def test_without_closures_it_is_the_covariance_of_the_whole_graph(first: int, second: int) -> None:
    graph = _chain(6)
    along = OdometryPaths(graph).relative(first, second)
    whole = Marginals(graph).relative(first, second)
    assert along is not None
    np.testing.assert_allclose(along.S_first_second, whole.S_first_second, atol=1e-12)
    np.testing.assert_allclose(along.covariance, whole.covariance, rtol=1e-6, atol=1e-9)


def test_closures_are_not_used() -> None:
    poses = random_poses(6)
    graph = chain(poses)
    before = OdometryPaths(graph).relative(10, 15)
    graph.edges.append(Edge(10, 15, relative(poses, 0, 5), 1e-6 * COVARIANCE, is_closure=True))
    after = OdometryPaths(graph).relative(10, 15)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.covariance, after.covariance)
    del graph.edges[2]
    assert OdometryPaths(graph).relative(10, 15) is None


def test_the_fewest_edges_are_taken() -> None:
    poses = random_poses(6)
    graph = chain(poses)
    graph.edges.append(Edge(15, 10, relative(poses, 5, 0), COVARIANCE))
    found = OdometryPaths(graph).relative(15, 10)
    assert found is not None
    np.testing.assert_allclose(found.covariance, COVARIANCE, atol=1e-15)


def test_a_keyframe_to_itself() -> None:
    found = OdometryPaths(chain(random_poses(3))).relative(11, 11)
    assert found is not None
    np.testing.assert_allclose(found.S_first_second, np.eye(4), atol=1e-12)
    assert not found.covariance.any()


def test_the_gate_tells_what_odometry_allows() -> None:
    graph = _chain(6)
    found = OdometryPaths(graph).relative(10, 15)
    assert found is not None
    axis = np.linalg.cholesky(found.covariance + COVARIANCE)[:, 0]
    inside = found.squared_error(sim3.exp(2 * axis) @ found.S_first_second, COVARIANCE)
    outside = found.squared_error(sim3.exp(6 * axis) @ found.S_first_second, COVARIANCE)
    assert inside == pytest.approx(4.0, rel=1e-6)
    assert inside < SQUARED_OUTLIER < outside


def test_unknown_keyframe() -> None:
    with pytest.raises(PoseGraphError, match="keyframe 99 has no pose"):
        OdometryPaths(chain(random_poses(3))).relative(10, 99)


def test_a_covariance_on_the_way_that_is_not_finite() -> None:
    graph = chain(random_poses(4))
    graph.edges[1] = replace(graph.edges[1], covariance=np.full((7, 7), np.nan))
    with pytest.raises(PoseGraphError, match="from 10 to 13 are not finite"):
        OdometryPaths(graph).relative(10, 13)
    assert OdometryPaths(graph).relative(10, 11) is not None
