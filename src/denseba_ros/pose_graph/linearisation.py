"""A graph of poses at certain poses: its cost, and the linear system of a step from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, diags_array

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.anchors import held
from denseba_ros.pose_graph.edge_errors import edge_errors, edge_jacobians, whitened
from denseba_ros.pose_graph.graph import Doubles, PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays
from denseba_ros.pose_graph.normal_equations import BlockPattern, factorised
from denseba_ros.pose_graph.robust_loss import Squared


@dataclass(frozen=True)
class State:
    """``poses`` (V, 4, 4), the ``errors`` (E, 7) there, ``whitened`` too, their ``squared``
    Mahalanobis distances (E,), and the ``cost`` of all, with loss."""

    poses: Doubles
    errors: Doubles
    whitened: Doubles
    squared: Doubles
    cost: float


@dataclass(frozen=True)
class System:
    """``hessian`` (7F, 7F) and ``gradient`` (7F,) of half the cost over the poses that are free."""

    hessian: csc_array
    gradient: Doubles

    def step(self, damping: float) -> tuple[Doubles, float] | None:
        """Step (F, 7) with the diagonal grown by ``damping`` of itself, and what the quadratic
        model of the cost says it gains; None if the matrix is singular."""
        diagonal = damping * self.hessian.diagonal()
        factors = factorised((self.hessian + diags_array(diagonal)).tocsc())
        if factors is None:
            return None
        step = -factors.solve(self.gradient)
        if not np.isfinite(step).all():
            return None
        gain = float(step @ (diagonal * step - self.gradient))
        return step.reshape(-1, 7), gain


class Linearisation:
    """What of a graph does not change with its poses, and the systems at given ones.

    Raises:
        PoseGraphError: the graph is malformed, or a keyframe of ``fixed`` is not in it.
    """

    def __init__(self, graph: PoseGraph, fixed: Iterable[int], loss: Squared) -> None:
        self.arrays = GraphArrays.of(graph)
        self.free = ~held(self.arrays, fixed)
        self._loss = loss
        self.pattern = BlockPattern.of(self.arrays.first, self.arrays.second, self.free)

    def state(self, poses: Doubles) -> State:
        """The errors at ``poses`` (V, 4, 4)."""
        errors = edge_errors(self.arrays, poses)
        white = whitened(self.arrays, errors)
        squared = np.sum(white * white, axis=1)
        cost = np.where(self.arrays.is_closure, self._loss.cost(squared), squared)
        return State(poses, errors, white, squared, float(np.sum(cost)))

    def moved(self, state: State, step: Doubles) -> State:
        """The state after ``step`` (F, 7) of the free poses, in their own axes."""
        poses = state.poses.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            poses[self.free] = poses[self.free] @ sim3.exp(step)
        return self.state(poses)

    def weights(self, state: State) -> Doubles:
        """Weight (E,) of each edge's square at ``state``."""
        return np.where(self.arrays.is_closure, self._loss.weight(state.squared), 1.0)

    def system(self, state: State) -> System:
        """The linear system at ``state``."""
        first, second = edge_jacobians(self.arrays, state.errors)
        weights = self.weights(state)
        hessian = self.pattern.hessian(first, second, weights)
        return System(hessian, self.pattern.gradient(first, second, weights, state.whitened))
