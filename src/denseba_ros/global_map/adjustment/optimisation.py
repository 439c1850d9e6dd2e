"""Levenberg-Marquardt on all poses and points of a map, the points eliminated (Triggs, McLauchlan,
Hartley, Fitzgibbon, "Bundle adjustment - a modern synthesis", 1999, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csc_array, csr_array, diags_array

from denseba_ros.global_map.adjustment.bundle import (
    POSE,
    Bundle,
    Derivatives,
    Errors,
    State,
    depth_weight,
)
from denseba_ros.global_map.adjustment.lens import PARAMETERS, lens_weights
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.pose_graph.normal_equations import factorised

_ITERATIONS = 20
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-4, 1e6
# A step that gains a smaller share of the cost is the last.
_FALL = 1e-4
# Information of whatever nothing is known of, so that the system has a solution.
_LEAST_INFORMATION = 1e-9


@dataclass(frozen=True)
class Adjusted:
    """``state`` that fits best, and the robust costs before and after."""

    state: State
    cost_before: float
    cost_after: float


def adjust(bundle: Bundle, state: State, is_free: NDArray[np.bool_]) -> Adjusted:
    """Move points and those poses (N,) that are free."""
    errors, damping = bundle.errors(state), _FIRST_DAMPING
    before = errors.cost
    for _ in range(_ITERATIONS):
        normal = _Normal.of(bundle.derivatives(state, errors), errors, is_free)
        step = None
        while step is None and damping <= _LARGEST_DAMPING:
            step = _accepted(bundle, state, errors, normal.step(damping))
            damping *= 8.0 if step is None else 0.2
        if step is None:
            break
        gain = errors.cost - step[1].cost
        state, errors = step
        if gain < _FALL * errors.cost:
            break
    return Adjusted(state, before, errors.cost)


def _accepted(
    bundle: Bundle, state: State, errors: Errors, step: tuple[Doubles, Doubles, Doubles] | None
) -> tuple[State, Errors] | None:
    if step is None:
        return None
    moved = state.moved(*step)
    after = bundle.errors(moved)
    return (moved, after) if after.cost < errors.cost else None


@dataclass(frozen=True)
class _Normal:
    """Normal equations: ``poses`` (C, C) of the C columns of free poses, then of the lens,
    ``mixed`` (C, P), ``depths`` (P,), with gradients; ``is_free`` (6N,)."""

    poses: csr_array
    mixed: csr_array
    depths: Doubles
    of_poses: Doubles
    of_depths: Doubles
    is_free: NDArray[np.bool_]

    @classmethod
    def of(cls, of: Derivatives, errors: Errors, is_free: NDArray[np.bool_]) -> _Normal:
        columns = np.repeat(is_free, POSE)
        jacobian = block_array([[of.poses[:, np.flatnonzero(columns)], csr_array(of.lens)]]).tocsr()
        weighted = (diags_array(of.weights) @ jacobian).T.tocsr()
        of_depths = diags_array(of.weights) @ of.depths
        prior, lens = depth_weight(), np.zeros(jacobian.shape[1])
        lens[-PARAMETERS:] = lens_weights()
        of_poses = weighted @ of.errors
        of_poses[-PARAMETERS:] += np.sqrt(lens_weights()) * errors.lens
        return cls(
            weighted @ jacobian + diags_array(lens),
            weighted @ of.depths,
            np.asarray(of_depths.multiply(of.depths).sum(axis=0)).ravel() + prior,
            of_poses,
            of_depths.T @ of.errors + np.sqrt(prior) * errors.depths,
            columns,
        )

    def step(self, damping: float) -> tuple[Doubles, Doubles, Doubles] | None:
        """Steps (N, 6) of the poses, (P,) of the depths and of the lens; None where there is
        none."""
        inverse = 1.0 / (self.depths * (1.0 + damping))
        diagonal = damping * self.poses.diagonal() + _LEAST_INFORMATION
        reduced = self.poses + diags_array(diagonal)
        reduced = reduced - self.mixed @ diags_array(inverse) @ self.mixed.T
        factors = factorised(csc_array(reduced))
        if factors is None:
            return None
        of_poses = np.zeros(len(self.is_free))
        right = self.of_poses - self.mixed @ (inverse * self.of_depths)
        step = -factors.solve(right)
        of_poses[self.is_free] = step[:-PARAMETERS]
        of_depths = -inverse * (self.of_depths + self.mixed.T @ step)
        if not (np.isfinite(of_poses).all() and np.isfinite(of_depths).all()):
            return None
        return of_poses.reshape(-1, POSE), of_depths, step[-PARAMETERS:]
