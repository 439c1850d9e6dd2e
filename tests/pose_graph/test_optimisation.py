"""Rings that drifted close; what is fixed stays; false closures are seen."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.benchmark.drifted_rounds import drifted_rounds
from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.pose_graph.optimisation import Optimised, optimise
from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER, Cauchy, Squared
from tests.docs.test_records import load
from tests.pose_graph.small_graphs import COVARIANCE, chain, random_poses, relative

_LOSSES = pytest.mark.parametrize("loss", [Squared(), Cauchy()])


def _largest_change(result: Optimised, poses: dict[int, np.ndarray]) -> float:
    return max(float(np.abs(S - poses[n]).max()) for n, S in result.poses.items())


@_LOSSES
def test_a_ring_with_drift_closes(loss: Squared) -> None:
    made = drifted_rounds(120, 2, every=5)
    result = optimise(made.graph, [0], loss)
    assert result.ok
    assert result.iterations < 20
    assert result.cost_after < 0.1 * result.cost_before
    before = made.position_error(made.graph.poses)
    assert made.position_error(result.poses) < 0.3 * before
    assert result.squared_errors.max() < 2 * SQUARED_OUTLIER


def test_exact_measurements_give_the_truth_from_afar() -> None:
    truth = random_poses(12)
    graph = chain(truth)
    graph.edges.append(Edge(21, 10, relative(truth, 11, 0), COVARIANCE, is_closure=True))
    exact = dict(graph.poses)
    random = np.random.default_rng(5)
    for number in range(11, 22):
        graph.poses[number] = graph.poses[number] @ sim3.exp(0.3 * random.normal(size=7))
    result = optimise(graph, [10], tolerance=1e-12)
    assert result.ok
    assert _largest_change(result, exact) < 1e-4


def test_drift_of_the_scale_is_spread_over_the_ring() -> None:
    """A square whose every step is 2 % too long, and shrinks the next ones' unit as much."""
    count, drift = 40, 0.02
    turn = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 2 * np.pi / count, drift])
    graph = PoseGraph({0: np.eye(4)})
    for i in range(count):
        graph.edges.append(Edge(i, i + 1, sim3.exp(turn), COVARIANCE))
        graph.poses[i + 1] = graph.poses[i] @ sim3.exp(turn)
    graph.edges.append(Edge(count, 0, np.eye(4), 1e-4 * COVARIANCE, is_closure=True))
    assert sim3.scale(graph.poses[count]) > 2.2
    result = optimise(graph, [0])
    assert result.ok
    scales = np.array([sim3.scale(result.poses[i]) for i in range(count + 1)])
    assert abs(np.log(scales[-1])) < 1e-3
    # Each of the steps gives its part back: none does more than three times what it should.
    assert np.abs(np.diff(np.log(scales))).max() < 2 * drift
    assert result.squared_errors[:-1].max() < 10 * np.median(result.squared_errors[:-1])


@_LOSSES
def test_a_false_closure_is_seen_by_its_residual(loss: Squared) -> None:
    made = drifted_rounds(200, 2, every=5)
    wrong = Edge(20, 60, np.eye(4), COVARIANCE, is_closure=True)
    graph = PoseGraph(made.graph.poses, [*made.graph.edges, wrong])
    result = optimise(graph, [0], loss)
    assert result.ok
    assert int(np.argmax(result.squared_errors)) == len(graph.edges) - 1
    assert result.squared_errors[-1] > SQUARED_OUTLIER


def test_robust_loss_keeps_the_map_when_a_closure_is_false() -> None:
    made = drifted_rounds(200, 2, every=5)
    wrong = Edge(20, 60, np.eye(4), COVARIANCE, is_closure=True)
    graph = PoseGraph(made.graph.poses, [*made.graph.edges, wrong])
    bent = made.position_error(optimise(graph, [0]).poses)
    robust = made.position_error(optimise(graph, [0], Cauchy()).poses)
    alone = made.position_error(optimise(made.graph, [0]).poses)
    assert robust < 0.5 * bent
    assert robust < 1.5 * alone


def test_one_true_closure_over_a_long_drift_is_kept_by_the_robust_loss() -> None:
    """Its error is hundreds of its own deviations, but one or two of the honest odometry's."""
    made = drifted_rounds(400, 2)
    odometry = [e for e in made.graph.edges if not e.is_closure]
    last = next(e for e in reversed(made.graph.edges) if e.is_closure)
    sharp = replace(last, covariance=1e-2 * last.covariance)
    graph = PoseGraph(made.graph.poses, [*odometry, sharp])
    before = optimise(graph, [0], max_iterations=0)
    assert before.squared_errors[-1] > 1e4
    result = optimise(graph, [0], Cauchy())
    assert result.ok
    assert result.squared_errors[-1] < SQUARED_OUTLIER


def test_fixed_poses_do_not_move() -> None:
    made = drifted_rounds(60, 2, every=5)
    result = optimise(made.graph, [0, 30, 59])
    for number in (0, 30, 59):
        np.testing.assert_array_equal(result.poses[number], made.graph.poses[number])
    assert _largest_change(result, made.graph.poses) > 0.01


def test_the_newest_alone_may_be_fixed() -> None:
    made = drifted_rounds(60, 2, every=5)
    oldest, newest = optimise(made.graph, [0]), optimise(made.graph, [59])
    np.testing.assert_array_equal(newest.poses[59], made.graph.poses[59])
    assert newest.cost_after == pytest.approx(oldest.cost_after, rel=1e-4)


def test_the_graph_is_not_changed() -> None:
    made = drifted_rounds(60, 2, every=5)
    before = {n: S.copy() for n, S in made.graph.poses.items()}
    optimise(made.graph)
    for number, S in made.graph.poses.items():
        np.testing.assert_array_equal(S, before[number])


def test_parts_that_nothing_joins_are_each_optimised() -> None:
    first, second = chain(random_poses(5, 1)), chain(random_poses(5, 2))
    moved = {n + 100: S for n, S in second.poses.items()}
    edges = [replace(e, first=e.first + 100, second=e.second + 100) for e in second.edges]
    graph = PoseGraph({**first.poses, **moved, 500: np.eye(4)}, first.edges + edges)
    exact = dict(graph.poses)
    graph.poses[112] = graph.poses[112] @ sim3.exp(np.full(7, 0.1))
    result = optimise(graph, [12])
    assert result.ok
    assert result.cost_after < 1e-6
    assert _largest_change(result, exact) < 1e-4


@pytest.mark.parametrize("poses", [{}, {3: np.eye(4)}, {3: np.eye(4), 8: 1.0 * np.eye(4)}])
def test_no_edges(poses: dict[int, np.ndarray]) -> None:
    result = optimise(PoseGraph(poses))
    assert result.ok
    assert result.iterations == 0
    assert result.cost_after == 0.0
    assert result.squared_errors.shape == (0,)
    assert list(result.poses) == list(poses)


def test_duplicate_edges_count_as_often_as_they_are_there() -> None:
    graph = chain(random_poses(3))
    S = sim3.exp(np.array([0.3, 0, 0, 0, 0, 0, 0.0])) @ graph.edges[0].S_first_second
    other = replace(graph.edges[0], S_first_second=S)
    graph.edges += [other, other]
    result = optimise(graph, [10])
    error = np.sqrt(result.squared_errors)
    assert error[0] == pytest.approx(2 * error[2], rel=1e-3)


def test_all_fixed() -> None:
    graph = chain(random_poses(3))
    result = optimise(graph, graph.poses)
    assert result.ok
    assert _largest_change(result, graph.poses) == 0.0


def test_unknown_fixed_keyframe() -> None:
    with pytest.raises(PoseGraphError, match="keyframe 77 has no pose"):
        optimise(chain(random_poses(3)), [77])


def test_it_says_when_it_did_not_come_to_rest() -> None:
    made = drifted_rounds(120, 2, every=5)
    result = optimise(made.graph, [0], max_iterations=1)
    assert not result.ok
    assert result.cost_after < result.cost_before


def test_far_from_the_origin_it_is_as_exact() -> None:
    """100 km off, in a unit a hundred times as large."""
    made = drifted_rounds(120, 2, every=5)
    away = sim3.exp(np.array([0.0, 0.0, 0.0, 0.5, -0.3, 0.2, np.log(0.01)]))
    away[:3, 3] = [1e5, -2e5, 3e4]
    there = PoseGraph({n: away @ S for n, S in made.graph.poses.items()}, made.graph.edges)
    here, far = optimise(made.graph, [0]), optimise(there, [0])
    assert far.ok
    assert far.cost_after == pytest.approx(here.cost_after, rel=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("gtsam") is None, reason="GTSAM is not installed")
def test_it_agrees_with_gtsam() -> None:
    made = drifted_rounds(100, 2, neighbours=2, every=5)
    correlated = np.array([[1.0, 0.5], [0.5, 1.0]])
    for place, edge in enumerate(made.graph.edges):
        covariance = edge.covariance.copy()
        sigma = np.sqrt(np.diag(covariance))[[0, 6]]
        covariance[np.ix_([0, 6], [0, 6])] = correlated * np.outer(sigma, sigma)
        made.graph.edges[place] = replace(edge, covariance=covariance)
    ours = optimise(made.graph, [0], tolerance=1e-9)
    theirs = load("benchmarks/pose_graph.py").solved_by_gtsam(made.graph, 0)
    assert ours.cost_before == pytest.approx(theirs.cost_before, rel=1e-6)
    assert ours.cost_after == pytest.approx(theirs.cost_after, rel=1e-3)
    assert ours.cost_after <= theirs.cost_after * (1 + 1e-6)
    assert _largest_change(ours, theirs.poses) < 5e-3
