"""Keyframes that lie close see the same, of this visit and of others; parts apart never do."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.global_map.adjustment.covisible import covisible_pairs
from denseba_ros.pose_graph.graph import Edge, PoseGraph

DEPTH = 4.0


def there_and_back(count: int, step: float) -> PoseGraph:
    """A camera that moves sideways and returns the same way."""
    there = [step * k for k in range(count)]
    poses, edges = {}, []
    for number, x in enumerate([*there, *reversed(there)]):
        S = np.eye(4)
        S[0, 3] = x
        poses[number] = S
        if number:
            motion = sim3.inverse(poses[number - 1]) @ S
            edges.append(Edge(number - 1, number, motion, np.eye(7)))
    return PoseGraph(poses, edges)


def test_each_keyframe_has_partners_of_this_visit_and_of_the_other() -> None:
    graph = there_and_back(40, 0.2)
    pairs = covisible_pairs(graph, dict.fromkeys(graph.poses, DEPTH))
    assert pairs == sorted(set(pairs))
    for number in (3, 10, 70):
        others = [target for host, target in pairs if host == number]
        again = 79 - number
        assert any(abs(other - number) <= 15 for other in others)
        assert any(abs(other - again) <= 10 for other in others)
        assert len(others) <= 14
        for other in others:
            assert abs(graph.poses[other][0, 3] - graph.poses[number][0, 3]) < 0.5 * DEPTH


def test_neighbours_in_time_are_always_partners() -> None:
    graph = there_and_back(6, 5.0)
    pairs = covisible_pairs(graph, dict.fromkeys(graph.poses, DEPTH))
    assert {(k, k + 1) for k in range(11)} <= set(pairs)
    assert {(k + 1, k) for k in range(11)} <= set(pairs)


def test_those_that_a_link_joins_are_partners_however_far() -> None:
    graph = there_and_back(12, 5.0)
    link = Edge(2, 9, sim3.inverse(graph.poses[2]) @ graph.poses[9], np.eye(7), is_closure=True)
    graph = PoseGraph(graph.poses, [*graph.edges, link])
    pairs = covisible_pairs(graph, dict.fromkeys(graph.poses, DEPTH))
    assert {(2, 9), (9, 2)} <= set(pairs)
    assert (2, 8) not in pairs


def test_parts_that_nothing_joins_have_no_pair() -> None:
    graph = there_and_back(5, 0.1)
    apart = PoseGraph(graph.poses, [e for e in graph.edges if e.first != 4])
    pairs = covisible_pairs(apart, dict.fromkeys(graph.poses, DEPTH))
    assert pairs
    assert all((host <= 4) == (target <= 4) for host, target in pairs)


def test_one_that_looks_elsewhere_is_no_partner() -> None:
    graph = there_and_back(4, 0.05)
    turn = sim3.exp(np.array([0.0, 0.0, 0.0, 0.0, 1.2, 0.0, 0.0]))
    poses = graph.poses | {6: graph.poses[6] @ turn}
    pairs = covisible_pairs(PoseGraph(poses, graph.edges), dict.fromkeys(poses, DEPTH))
    assert {target for host, target in pairs if host == 6} == {5, 7}
