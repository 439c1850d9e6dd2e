"""Which links count in the adjustment of a map, and how much."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry import sim3
from denseba_ros.global_map.adjustment.links import known_lengths, needed_links
from denseba_ros.global_map.adjustment.observations import Observations
from denseba_ros.pose_graph.graph import Edge, PoseGraph

COVARIANCE = np.diag(np.repeat([0.03, 0.01, 0.02], [3, 3, 1]) ** 2)


def graph() -> PoseGraph:
    """Four keyframes 0.5, 1 and 0 apart, in a unit of 2, numbered by tens; and a closure."""
    poses = {}
    for number, x in zip((0, 10, 20, 30), (0.0, 0.5, 1.5, 1.5), strict=True):
        poses[number] = np.diag([2.0, 2.0, 2.0, 1.0])
        poses[number][0, 3] = x
    ends = [(10, 0, False), (20, 10, False), (30, 20, False), (0, 30, True)]
    edges = [
        Edge(first, second, sim3.inverse(poses[first]) @ poses[second], COVARIANCE, is_closure)
        for first, second, is_closure in ends
    ]
    return PoseGraph(poses, edges)


def seen(pairs: dict[tuple[int, int], int]) -> Observations:
    """So many observations of points of one row in another; each keyframe has one point."""
    point = np.concatenate([np.full(n, host) for (host, _), n in pairs.items()]).astype(np.int64)
    target = np.concatenate([np.full(n, to) for (_, to), n in pairs.items()]).astype(np.int64)
    zeros = np.zeros((len(point), 2))
    return Observations(4, np.arange(4), np.ones((4, 3)), np.ones(4), point, target, zeros)


def test_lengths_are_those_of_the_path_that_moves() -> None:
    lengths = known_lengths(graph())
    assert lengths.first.tolist() == [1, 2]
    assert lengths.second.tolist() == [0, 1]
    np.testing.assert_allclose(np.exp(lengths.log_length), [0.5, 1.0])
    # The deviation of a link is in its own unit, here twice that of the map.
    np.testing.assert_allclose(lengths.sigma, np.hypot(0.2, [0.06 / 0.5, 0.06]))


def test_a_link_counts_where_few_points_show_in_both() -> None:
    links = needed_links(graph(), seen({(0, 1): 20, (1, 0): 20, (1, 2): 29, (3, 0): 40}))
    assert list(zip(links.first.tolist(), links.second.tolist(), strict=True)) == [(2, 1), (3, 2)]
    np.testing.assert_allclose(links.t, [[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(links.R, np.broadcast_to(np.eye(3), (2, 3, 3)))
    np.testing.assert_allclose(links.sigma_t, 0.06)
    np.testing.assert_allclose(links.sigma_R, 0.01)


def test_a_link_holds_the_direction_more_than_the_length() -> None:
    links = needed_links(graph(), seen({(0, 1): 40, (2, 3): 40, (3, 0): 40}))
    assert (links.first.tolist(), links.second.tolist()) == ([2], [1])
    rotations, centres = np.tile(np.eye(3), (4, 1, 1)), np.zeros((4, 3))
    centres[1, 0] = -1.0
    np.testing.assert_allclose(links.errors(rotations, centres), 0.0, atol=1e-12)
    for axis, sigma in enumerate([np.hypot(0.06, 0.2), 0.06, 0.06]):
        moved = centres.copy()
        moved[1, axis] += 0.1
        expected = np.zeros(6)
        expected[axis] = 0.1 / sigma
        np.testing.assert_allclose(links.errors(rotations, moved)[0], expected, atol=1e-12)


def test_without_edges_there_is_nothing_to_hold() -> None:
    apart = PoseGraph(graph().poses, [])
    nothing = needed_links(apart, seen({(0, 1): 1}))
    assert nothing.errors(np.tile(np.eye(3), (4, 1, 1)), np.zeros((4, 3))).shape == (0, 6)
    assert known_lengths(apart).errors(np.zeros((4, 3))).shape == (0, 1)
    assert pytest.approx(0.0) == sum(
        part.sum() for part in nothing.jacobians(np.tile(np.eye(3), (4, 1, 1)), np.zeros((4, 3)))
    )
