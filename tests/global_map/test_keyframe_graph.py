"""Links of the path hold at the poses that they came from; growth and corrections move what they
should and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.geometry import se3, sim3
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.slam.mapping.window_history import WindowChange, dissolved
from tests.global_map.path_of_keyframes import DISPLACEMENT, changes, graph_of
from tests.scaled_keyframe import keyframe

COVARIANCE = 1e-4 * np.eye(7)


def whole(graph: KeyframeGraph, path: list[WindowChange]) -> PoseGraph:
    return graph.with_window(path[-1].local_map, DISPLACEMENT)


def residuals(graph: PoseGraph) -> np.ndarray:
    return np.array(
        [
            sim3.log(
                e.S_first_second
                @ sim3.inverse(sim3.inverse(graph.poses[e.first]) @ graph.poses[e.second])
            )
            for e in graph.edges
        ]
    )


def test_the_path_is_one_piece_and_its_links_hold() -> None:
    path = changes(8)
    graph = whole(graph_of(path), path)
    assert sorted(graph.poses) == list(range(8))
    assert sorted((e.second, e.first) for e in graph.edges) == [(k, k + 1) for k in range(7)]
    np.testing.assert_allclose(residuals(graph), 0.0, atol=1e-9)
    for number, S in graph.poses.items():
        np.testing.assert_allclose(S, se3.inverse(keyframe(number, 1.0).T).numpy(), atol=1e-9)


@pytest.mark.parametrize(("told", "factor"), [(1.2, 1.2**0.5), (0.8, 0.8**0.5), (3.0, 1.0)])
def test_a_link_is_as_long_as_window_and_tracking_say_in_the_mean(
    told: float, factor: float
) -> None:
    """What differs too much is no length of the same motion, and does not count."""
    path, graph = changes(8), KeyframeGraph(0.03)
    for number in range(8):
        T = se3.inverse(keyframe(number, 1.0).T).numpy().copy()
        T[:3, 3] *= told
        graph.tell(keyframe(number, 1.0).stamp_ns, T)
    for change in path:
        graph.take(change)
    as_the_window = whole(graph_of(path), path).edges
    for edge, other in zip(whole(graph, path).edges, as_the_window, strict=True):
        expected = factor * other.S_first_second[:3, 3]
        np.testing.assert_allclose(edge.S_first_second[:3, 3], expected, atol=1e-9)


def test_the_covariance_of_a_link_is_that_of_the_window_and_drift() -> None:
    path = changes(5)
    (left,) = path[-1].left
    edge = next(e for e in whole(graph_of(path), path).edges if e.second == 1)
    assert left.covariance is not None
    np.testing.assert_allclose(edge.covariance[:6, :6], DISPLACEMENT**2 * left.covariance)
    # Twice as fast as stated: what that says is of known worlds.
    assert edge.covariance[6, 6] == pytest.approx(0.06**2 * left.travel, abs=1.1e-6)
    assert left.travel > 0.01


def test_a_corrected_drift_is_not_taken_back() -> None:
    """The world grew because the newest keyframe had shrunk: the camera's pose in the map stays
    that of the window's world, and the path has the unit of each keyframe's birth."""
    growth = {3: 1.1, 6: 0.95}
    path = changes(8, growth)
    graph = graph_of(path)
    np.testing.assert_array_equal(graph.S_map_world, np.eye(4))
    assert np.isclose(graph.unit, np.log(1.1 * 0.95))
    scale = {n: float(sim3.scale(S)) for n, S in whole(graph, path).poses.items()}
    # Keyframe k leaves when k + 3 has come, and grown.
    expected = {0: 1 / 1.1, 1: 1 / 1.1, 2: 1 / 1.1, 3: 1 / 0.95, 4: 1 / 0.95, 5: 1 / 0.95}
    assert scale == pytest.approx({n: expected.get(n, 1.0) for n in range(8)})
    edges = {e.second: e for e in whole(graph, path).edges}
    unit = 1.0
    for k, change in enumerate(path):
        unit *= change.growth
        for left in change.left:
            edge, S = edges[k - 3], left.T_next_keyframe
            assert S is not None
            born = np.prod([factor for n, factor in growth.items() if n <= edge.first])
            length = np.linalg.norm(edge.S_first_second[:3, 3]) * scale[edge.first]
            assert length == pytest.approx(np.linalg.norm(S[:3, 3]) * born / unit)
            between = scale[edge.second] / scale[edge.first]
            assert sim3.scale(edge.S_first_second) == pytest.approx(between)


def test_a_window_that_took_the_place_of_a_provisional_one_was_not_rescaled_for_drift() -> None:
    path = changes(8, growth={2: 1.1})
    path[:2] = [replace(change, is_provisional=True) for change in path[:2]]
    scales = [float(sim3.scale(S)) for S in whole(graph_of(path), path).poses.values()]
    np.testing.assert_allclose(scales, 1.0)
    path[1] = replace(path[1], is_provisional=False)
    scales = [float(sim3.scale(S)) for S in whole(graph_of(path), path).poses.values()]
    assert scales[0] == pytest.approx(1.0 / 1.1)


def test_what_is_worked_out_later_is_of_now() -> None:
    """Closures, keyframes that leave, growth and corrections in between change nothing in it."""
    path = changes(9, growth={7: 1.2})
    graph = KeyframeGraph(0.03)
    for change in path[:6]:
        graph.take(change)
    now = graph.with_window(path[5].local_map, DISPLACEMENT)
    poses = graph.poses_with_window(path[5].local_map)
    edges = graph.edges_later(path[5].local_map, DISPLACEMENT)
    graph.close([Edge(0, 2, np.eye(4), COVARIANCE, is_closure=True)], {2: graph.unit})
    for change in path[6:]:
        graph.take(change)
    before, motion = whole(graph, path), sim3.exp(np.full(7, 0.1))
    graph.correct({n: motion @ S for n, S in before.poses.items()}, before, newest=8)
    then = PoseGraph(poses, edges())
    assert then.poses.keys() == now.poses.keys()
    for number, S in now.poses.items():
        np.testing.assert_array_equal(then.poses[number], S)
    assert len(then.edges) == len(now.edges)
    for edge, expected in zip(then.edges, now.edges, strict=True):
        assert (edge.first, edge.second) == (expected.first, expected.second)
        np.testing.assert_array_equal(edge.S_first_second, expected.S_first_second)


def test_a_closure_keeps_to_the_depths_it_was_measured_with() -> None:
    """Its newer keyframe grows after that: a unit of it is a longer one now."""
    path = changes(8, growth={6: 1.25})
    graph = KeyframeGraph(0.03)
    for change in path[:6]:
        graph.take(change)
    S = sim3.exp(np.array([0.1, 0.0, 0.2, 0.0, 0.1, 0.0, 0.3]))
    graph.close([Edge(0, 5, S, COVARIANCE, is_closure=True)], {5: graph.unit})
    for change in path[6:]:
        graph.take(change)
    (edge,) = (e for e in whole(graph, path).edges if e.is_closure)
    assert np.isclose(sim3.scale(edge.S_first_second), sim3.scale(S) / 1.25)
    np.testing.assert_allclose(edge.S_first_second[:3, 3], S[:3, 3])


def test_edges_are_given_once_when_both_keyframes_have_left() -> None:
    path = changes(8)
    graph, given = KeyframeGraph(0.03), []
    for change in path:
        graph.take(change)
        given += [(e.second, e.first) for e in graph.take_new_edges()]
    assert given == [(k, k + 1) for k in range(4)]


def test_what_came_after_a_search_moves_with_its_newest_keyframe() -> None:
    path = changes(8)
    graph = graph_of(path[:6])
    before = whole(graph, path[:6])
    for change in path[6:]:
        graph.take(change)
    motion = sim3.exp(np.array([1.0, 0.0, -0.5, 0.1, 0.2, 0.0, 0.2]))
    poses = dict(graph.poses)
    corrected = {n: S if n == 0 else motion @ S for n, S in before.poses.items()}
    applied = graph.correct(corrected, before, newest=5)
    np.testing.assert_allclose(applied, motion)
    np.testing.assert_allclose(graph.S_map_world, motion)
    np.testing.assert_allclose(graph.poses[0], poses[0])
    for number in range(1, 5):
        np.testing.assert_allclose(graph.poses[number], motion @ poses[number])


def test_two_maps_of_one_path_stay_one_piece() -> None:
    """A map that was given up is linked to the next one by a motion that is hardly known."""
    path = changes(4)
    given_up = path[-1].local_map
    end = WindowChange(given_up, tuple(dissolved(given_up)), 1.0, DISPLACEMENT)
    graph = graph_of([*path, end])
    later = keyframe(9, 1.0)
    new_map = type(given_up)(given_up.camera, [later])
    graph.take(WindowChange(new_map, tuple(dissolved(new_map)), 1.0, DISPLACEMENT))
    (loose,) = (e for e in graph.take_new_edges() if {e.first, e.second} == {3, 4})
    assert loose.covariance[6, 6] == 0.3**2


def test_a_session_in_a_saved_map_has_numbers_and_a_frame_of_its_own() -> None:
    saved = PoseGraph({0: np.eye(4), 7: np.eye(4)}, [Edge(0, 7, np.eye(4), COVARIANCE)])
    graph = KeyframeGraph(0.03, saved)
    path = changes(5)
    for change in path:
        graph.take(change)
    assert graph.number(0) == 8
    assert not graph.is_joined
    assert (0, 7) in [(e.first, e.second) for e in whole(graph, path).edges]
    graph.close([Edge(7, 9, np.eye(4), COVARIANCE, is_closure=True)], {9: 0.0})
    assert graph.is_joined


def closed_graph(
    growth: dict[int, float] | None = None,
) -> tuple[KeyframeGraph, list[WindowChange]]:
    """A path of 12 keyframes, of which 8 is closed with 1."""
    path = changes(12, growth)
    graph = graph_of(path)
    S = sim3.inverse(graph.poses[1]) @ graph.poses[8]
    graph.close([Edge(1, 8, S, COVARIANCE, is_closure=True)], {8: graph.unit_of(8)})
    return graph, path


@pytest.mark.parametrize("growth", [None, {5: 1.2, 10: 0.9, 11: 1.1}])
def test_a_keyframe_that_is_dropped_leaves_the_path_whole(growth: dict[int, float] | None) -> None:
    """Its closure goes to the one after it, and images are still held by where it was."""
    graph, path = closed_graph(growth)
    where = graph.poses[8].copy()
    before = whole(graph, path)
    assert graph.drop(8, kept=1)
    after = whole(graph, path)
    assert 8 not in after.poses
    ends = {(e.first, e.second, e.is_closure) for e in after.edges}
    assert {(9, 7, False), (1, 9, True)} <= ends
    assert not any(8 in end for end in ends)
    np.testing.assert_array_equal(after.poses[9], before.poses[9])
    through = _measured(before, 9, 8) @ _measured(before, 8, 7)
    np.testing.assert_allclose(_measured(after, 9, 7), through, atol=1e-9)
    closure = _measured(before, 1, 8) @ sim3.inverse(_measured(before, 9, 8))
    np.testing.assert_allclose(_measured(after, 1, 9), closure, atol=1e-9)
    np.testing.assert_allclose(graph.pose(8), where)
    graph.poses[1] = sim3.exp(np.full(7, 0.1)) @ graph.poses[1]
    np.testing.assert_allclose(graph.pose(8), sim3.exp(np.full(7, 0.1)) @ where)


def _measured(graph: PoseGraph, first: int, second: int) -> np.ndarray:
    (edge,) = (e for e in graph.edges if (e.first, e.second) == (first, second))
    return edge.S_first_second


def test_what_others_were_closed_with_is_not_dropped() -> None:
    graph, _ = closed_graph()
    assert not graph.drop(1, kept=8)
    assert 1 in graph.poses


def test_a_closure_is_replaced_and_taken_back() -> None:
    graph, path = closed_graph()
    graph.take_new_edges()
    better = Edge(1, 8, np.eye(4), 0.1 * COVARIANCE, is_closure=True)
    graph.replace(better)
    assert graph.closures_of(8) == [better]
    assert graph.take_new_edges() == [better]
    graph.take_back(better)
    assert graph.closures_of(8) == []
    assert graph.take_removed_edges() == [better]
    assert not any(e.is_closure for e in whole(graph, path).edges)
    with pytest.raises(KeyError):
        graph.replace(better)


def test_adjusted_poses_are_what_the_graph_says_from_then_on() -> None:
    """An optimisation afterwards leaves them where they are; closures, too, say the same."""
    path = changes(9)
    graph = graph_of(path)
    wrong = sim3.exp(np.full(7, 0.05)) @ sim3.inverse(graph.poses[0]) @ graph.poses[3]
    graph.close([Edge(0, 3, wrong, COVARIANCE, is_closure=True)], {3: graph.unit})
    shaken = {n: S @ sim3.exp(np.full(7, 0.01 * n)) for n, S in graph.poses.items()}
    newest = max(shaken)
    motion = shaken[newest] @ sim3.inverse(graph.poses[newest])
    expected = motion @ graph.S_map_world
    graph.take_new_edges()
    graph.adjust(shaken)
    np.testing.assert_allclose(graph.S_map_world, expected, atol=1e-9)
    for number, S in shaken.items():
        np.testing.assert_allclose(graph.poses[number], S)
    result = optimise(graph.whole())
    assert result.ok
    relative = {n: sim3.inverse(shaken[0]) @ S for n, S in shaken.items()}
    for number, S in result.poses.items():
        now = sim3.inverse(result.poses[0]) @ S
        np.testing.assert_allclose(now, relative[number], atol=1e-6)
    # All of them are written again.
    assert len(graph.take_new_edges()) == len(graph.whole().edges)
