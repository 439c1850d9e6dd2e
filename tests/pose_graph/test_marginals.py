"""Covariances of the whole graph against dense inverses and against leaving an edge out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.benchmark.drifted_rounds import drifted_rounds
from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.pose_graph.marginals import Marginals
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER, Cauchy, Squared
from tests.pose_graph.small_graphs import COVARIANCE, chain, full_covariance, random_poses, relative


def _ring() -> PoseGraph:
    made = drifted_rounds(60, 2, every=6)
    return PoseGraph(optimise(made.graph, [0]).poses, made.graph.edges)


def test_two_edges_between_a_pair_halve_the_covariance() -> None:
    graph = chain(random_poses(2))
    graph.edges[0] = replace(graph.edges[0], covariance=full_covariance(1))
    graph.edges.append(graph.edges[0])
    found = Marginals(graph).relative(10, 11)
    np.testing.assert_allclose(found.covariance, 0.5 * full_covariance(1), rtol=1e-7, atol=1e-12)


def test_it_does_not_depend_on_which_pose_is_held() -> None:
    graph = _ring()
    for first, second in ((3, 40), (0, 59), (20, 21)):
        at_start = Marginals(graph, [0]).relative(first, second)
        at_end = Marginals(graph, [59]).relative(first, second)
        np.testing.assert_allclose(at_start.covariance, at_end.covariance, rtol=1e-5, atol=1e-10)


def test_back_is_the_adjoint_of_forth() -> None:
    marginals = Marginals(_ring())
    forth, back = marginals.relative(3, 40), marginals.relative(40, 3)
    to_second = sim3.adjoint(back.S_first_second)
    expected = to_second @ forth.covariance @ to_second.T
    np.testing.assert_allclose(back.covariance, expected, rtol=1e-6, atol=1e-12)


def test_a_closure_makes_it_smaller() -> None:
    poses = random_poses(8)
    graph = chain(poses)
    before = Marginals(graph).relative(10, 17).covariance
    graph.edges.append(Edge(17, 10, relative(poses, 7, 0), COVARIANCE, is_closure=True))
    after = Marginals(graph).relative(10, 17).covariance
    assert np.linalg.eigvalsh(before - after).min() > 0.0


def test_held_poses_are_known() -> None:
    graph = chain(random_poses(3))
    assert not Marginals(graph, graph.poses).relative(10, 12).covariance.any()


@pytest.mark.parametrize("loss", [Squared(), Cauchy(2.0)])
def test_innovation_is_the_distance_to_what_the_others_say(loss: Squared) -> None:
    """A small error, so that the exact distance without the edge is the linear one."""
    poses = random_poses(8)
    graph = chain(poses)
    graph.edges = [replace(edge, covariance=1e-4 * edge.covariance) for edge in graph.edges]
    error = 5e-4 * np.array([1.0, -2.0, 1.0, 0.5, 0.3, -0.4, 0.6])
    measured = sim3.exp(error) @ relative(poses, 7, 0)
    covariance = 4e-4 * full_covariance(4)
    expected = Marginals(graph).relative(17, 10).squared_error(measured, covariance)
    closure = Edge(17, 10, measured, covariance, is_closure=True)
    graph.edges.append(closure)
    bent = PoseGraph(optimise(graph, [10], loss, tolerance=1e-14).poses, graph.edges)
    found = Marginals(bent, [10], loss).squared_innovation(7)
    assert found == pytest.approx(expected, rel=0.03)


def test_a_false_closure_over_loose_odometry_is_seen_by_its_innovation_only() -> None:
    """Where the odometry is loose the poses bend to a closure, and its residual is small."""
    made = drifted_rounds(200, 1)
    sharp = 1e-3 * COVARIANCE
    wrong = Edge(20, 60, np.eye(4), sharp, is_closure=True)
    graph = PoseGraph(made.graph.poses, [*made.graph.edges, wrong])
    result = optimise(graph, [0])
    marginals = Marginals(PoseGraph(result.poses, graph.edges), [0])
    assert result.squared_errors[-1] < SQUARED_OUTLIER
    assert marginals.squared_innovation(len(graph.edges) - 1) > SQUARED_OUTLIER


def test_an_edge_that_nothing_checks_has_no_innovation() -> None:
    graph = chain(random_poses(4))
    assert Marginals(graph).squared_innovation(1) == pytest.approx(0.0, abs=1e-6)


def test_parts_that_nothing_joins() -> None:
    graph = chain(random_poses(3))
    graph.poses[50] = np.eye(4)
    with pytest.raises(PoseGraphError, match="no edges join keyframes 10 and 50"):
        Marginals(graph).relative(10, 50)
    with pytest.raises(PoseGraphError, match="keyframe 51 has no pose"):
        Marginals(graph).relative(10, 51)
