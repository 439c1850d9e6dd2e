"""Errors and Jacobians of edges against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.edge_errors import edge_errors, edge_jacobians, whitened
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays
from tests.pose_graph.small_graphs import full_covariance, random_poses, relative


def _arrays(off: float) -> GraphArrays:
    """Six edges whose measurements are ``off`` from what the poses say."""
    poses, random = random_poses(5), np.random.default_rng(3)
    pairs = [(0, 1), (1, 2), (3, 2), (4, 0), (1, 4), (0, 3)]
    edges = [
        Edge(
            a, b, sim3.exp(off * random.normal(size=7)) @ relative(poses, a, b), full_covariance(i)
        )
        for i, (a, b) in enumerate(pairs)
    ]
    return GraphArrays.of(PoseGraph(dict(enumerate(poses)), edges))


def test_error_is_measured_over_estimated() -> None:
    arrays = _arrays(0.2)
    errors = edge_errors(arrays, arrays.poses)
    for edge, error in enumerate(errors):
        estimated = relative(arrays.poses, int(arrays.first[edge]), int(arrays.second[edge]))
        np.testing.assert_allclose(sim3.exp(error) @ estimated, arrays.measured[edge], atol=1e-12)


def test_whitened_errors_have_the_mahalanobis_distance() -> None:
    arrays = _arrays(0.2)
    errors = edge_errors(arrays, arrays.poses)
    expected = [e @ np.linalg.solve(full_covariance(i), e) for i, e in enumerate(errors)]
    squared = np.sum(whitened(arrays, errors) ** 2, axis=1)
    np.testing.assert_allclose(squared, expected, rtol=1e-9)


@pytest.mark.parametrize("off", [0.0, 0.01, 0.3])
def test_jacobians_are_the_finite_differences(off: float) -> None:
    arrays = _arrays(off)
    jacobians = edge_jacobians(arrays, edge_errors(arrays, arrays.poses))
    step = 1e-6
    for of, ends in zip(jacobians, (arrays.first, arrays.second), strict=True):
        for edge, vertex in enumerate(ends):
            for axis, d in enumerate(step * np.eye(7)):
                sides = []
                for sign in (1, -1):
                    poses = arrays.poses.copy()
                    poses[vertex] = poses[vertex] @ sim3.exp(sign * d)
                    sides.append(whitened(arrays, edge_errors(arrays, poses))[edge])
                difference = (sides[0] - sides[1]) / (2 * step)
                np.testing.assert_allclose(of[edge, :, axis], difference, rtol=1e-5, atol=1e-3)
