"""Small graphs of poses with a known truth."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph

COVARIANCE = np.diag(np.repeat([0.02, 0.01, 0.01], [3, 3, 1]) ** 2)


def random_poses(count: int, seed: int = 0) -> Doubles:
    """Similarities (count, 4, 4) some units, radians and tens of per cent apart."""
    random = np.random.default_rng(seed)
    return sim3.exp(random.normal(size=(count, 7)) * np.repeat([2.0, 0.5, 0.2], [3, 3, 1]))


def relative(poses: Doubles, first: int, second: int) -> Doubles:
    return sim3.inverse(poses[first]) @ poses[second]


def chain(poses: Doubles) -> PoseGraph:
    """Exact odometry along ``poses``, numbered from 10."""
    edges = [
        Edge(10 + i, 11 + i, relative(poses, i, i + 1), COVARIANCE) for i in range(len(poses) - 1)
    ]
    return PoseGraph({10 + i: S for i, S in enumerate(poses)}, edges)


def full_covariance(seed: int) -> Doubles:
    """A covariance (7, 7) with correlations."""
    factor = np.random.default_rng(seed).normal(size=(7, 7))
    return 1e-4 * (factor @ factor.T + np.eye(7))
