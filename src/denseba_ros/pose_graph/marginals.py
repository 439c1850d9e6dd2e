"""Covariances of a graph of poses, by solving for a few columns of the inverse."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.components import connected_labels
from denseba_ros.pose_graph.graph import Doubles, PoseGraph
from denseba_ros.pose_graph.linearisation import Linearisation
from denseba_ros.pose_graph.normal_equations import factorised
from denseba_ros.pose_graph.relative_pose import RelativePose
from denseba_ros.pose_graph.robust_loss import Squared

# Below this share of an edge's own variance is no second measurement, only rounding.
_NO_REDUNDANCY = 1e-8


class Marginals:
    """Covariances of a graph at its poses, which should be optimised; factorised once.

    Raises:
        PoseGraphError: the graph is malformed or leaves a pose open.
    """

    def __init__(
        self, graph: PoseGraph, fixed: Iterable[int] = (), loss: Squared | None = None
    ) -> None:
        self._graph = graph
        problem = Linearisation(graph, fixed, loss or Squared())
        self._arrays, self._pattern = problem.arrays, problem.pattern
        arrays = self._arrays
        self._parts = connected_labels(len(arrays.numbers), arrays.first, arrays.second)
        self._state = problem.state(self._arrays.poses)
        self._weights = problem.weights(self._state)
        self._factors = None
        if self._pattern.free:
            self._factors = factorised(problem.system(self._state).hessian)
            if self._factors is None:
                raise PoseGraphError("the edges leave a pose open: the normal matrix is singular")

    def relative(self, first: int, second: int) -> RelativePose:
        """The relative pose of two keyframes with its covariance, given all edges.

        Raises:
            PoseGraphError: one of the two is not in the graph, or no edges join them.
        """
        a, b = self._arrays.index(first), self._arrays.index(second)
        if self._parts[a] != self._parts[b]:
            raise PoseGraphError(f"no edges join keyframes {first} and {second}")
        S = sim3.inverse(self._arrays.poses[a]) @ self._arrays.poses[b]
        # exp(-step_a) S exp(step_b) = exp(Ad(S) step_b - step_a) S
        jacobian = np.hstack([-np.eye(7), sim3.adjoint(S)])
        return RelativePose(S, jacobian @ self._joint(a, b) @ jacobian.T)

    def squared_innovation(self, edge: int) -> float:
        """Squared Mahalanobis distance (7 degrees of freedom) of the edge with this index to what
        all others say together, however far they were bent to it: above ``SQUARED_OUTLIER`` it
        contradicts them. In directions in which nothing else measures it counts as 0.

        Baarda, "A testing procedure for use in geodetic networks", 1968: the residual over its own
        deviation, which is small where the others are loose.
        """
        given, whitening = self._graph.edges[edge], self._arrays.whitening[edge]
        posterior = self.relative(given.first, given.second).covariance
        weight = float(self._weights[edge])
        share = np.eye(7) - weight * whitening @ posterior @ whitening.T
        redundancy, axes = np.linalg.eigh(0.5 * (share + share.T))
        seen = redundancy > _NO_REDUNDANCY
        error, r = axes.T[seen] @ self._state.whitened[edge], redundancy[seen]
        return float(np.sum(error * error / (r * (r + (1.0 - r) / weight))))

    def _joint(self, a: int, b: int) -> Doubles:
        """Covariance (14, 14) of the steps of two poses; zero of those that are held."""
        joint = np.zeros((14, 14))
        if self._factors is None:
            return joint
        rows = [
            (i, int(self._pattern.number[v]))
            for i, v in enumerate((a, b))
            if self._pattern.number[v] >= 0
        ]
        columns = np.zeros((7 * self._pattern.free, 14))
        for place, number in rows:
            columns[7 * number : 7 * number + 7, 7 * place : 7 * place + 7] = np.eye(7)
        solved = self._factors.solve(columns)
        for place, number in rows:
            joint[7 * place : 7 * place + 7] = solved[7 * number : 7 * number + 7]
        return joint
