"""Several rounds through the same rooms, as odometry whose scale drifts, with loop closures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph

Doubles = NDArray[np.float64]

_RADIUS = 10.0
# Deviations of a step from keyframe to keyframe and of a closure: units, radians, log of the scale.
_STEP = np.repeat([0.004, 0.002, 0.003], [3, 3, 1])
_CLOSURE = np.repeat([0.02, 0.005, 0.01], [3, 3, 1])


@dataclass(frozen=True)
class DriftedRounds:
    """``truth`` (N, 4, 4) S_map_camera and a ``graph`` whose poses are the odometry's, the first
    the true one."""

    truth: Doubles
    graph: PoseGraph

    def position_error(self, poses: dict[int, Doubles]) -> float:
        """Root mean square distance of ``poses`` to the true ones."""
        found = np.array([poses[number] for number in range(len(self.truth))])
        distance = np.linalg.norm((found - self.truth)[:, :3, 3], axis=1)
        return float(np.sqrt(np.mean(distance**2)))


def drifted_rounds(
    keyframes: int,
    rounds: int,
    neighbours: int = 1,
    every: int = 10,
    drift: float = 0.08,
    understated: float = 1.0,
) -> DriftedRounds:
    """``rounds`` of a hilly circle of 63 units, each keyframe with edges to its next
    ``neighbours``, every ``every``-th one with a closure to the round before; the log of the scale
    drifts by ``drift`` a round, beside noise. The errors of odometry are ``understated`` times as
    large as its covariance says. Always the same for the same arguments."""
    random = np.random.default_rng(keyframes + rounds)
    each = keyframes // rounds
    truth = _circle(keyframes, each)
    lasting = np.zeros(7)
    lasting[6] = drift / each
    edges: list[Edge] = []
    for far in range(1, neighbours + 1):
        noise = random.normal(size=(keyframes - far, 7)) * understated * _STEP * np.sqrt(far)
        measured = sim3.exp(noise + far * lasting) @ sim3.inverse(truth[:-far]) @ truth[far:]
        covariance = np.diag(far * _STEP**2)
        edges += [Edge(i, i + far, S, covariance) for i, S in enumerate(measured)]
    poses = {0: truth[0]}
    for edge in edges[: keyframes - 1]:
        poses[edge.second] = poses[edge.first] @ edge.S_first_second
    for last in range(each, keyframes, every):
        first = last - each
        error = sim3.exp(random.normal(size=7) * _CLOSURE)
        S = error @ sim3.inverse(truth[first]) @ truth[last]
        edges.append(Edge(first, last, S, np.diag(_CLOSURE**2), is_closure=True))
    return DriftedRounds(truth, PoseGraph(poses, edges))


def _circle(keyframes: int, each: int) -> Doubles:
    angle = 2.0 * np.pi * np.arange(keyframes) / each
    turn = np.zeros((keyframes, 7))
    turn[:, 5] = np.arctan2(np.sin(angle), np.cos(angle))
    poses = sim3.exp(turn)
    poses[:, 0, 3] = _RADIUS * np.sin(angle)
    poses[:, 1, 3] = _RADIUS * (1.0 - np.cos(angle))
    poses[:, 2, 3] = 0.3 * np.sin(3.0 * angle)
    return poses
