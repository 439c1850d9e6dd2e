"""Normal equations of inertial factors between neighbouring keyframes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld

STATE, WORLD = 15, 4
"""Steps of a keyframe (pose 6, velocity 3, biases 6), and of the world (log scale, gravity 2, log
gain of the accelerometer)."""


@dataclass(frozen=True)
class Motion:
    """``states`` of K keyframes and the ``world``."""

    states: Sequence[InertialState]
    world: MetricWorld

    @property
    def size(self) -> int:
        """Unknowns: 15 K + 4."""
        return STATE * len(self.states) + WORLD

    def stepped(self, step: np.ndarray) -> Motion:
        """After a step (15K + 4,): keyframes in order, then the world."""
        parts = step[:-WORLD].reshape(-1, STATE)
        states = [s.stepped(part) for s, part in zip(self.states, parts, strict=True)]
        return Motion(states, self.world.stepped(step[-WORLD:]))


def inertial_equations(
    factors: Sequence[InertialFactor], motion: Motion, first: Motion | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hessian (15K + 4, 15K + 4) and gradient (15K + 4,) of half the chi-square.

    ``factors`` (K - 1) are from each keyframe to the next. Jacobians are taken at ``first``
    (first estimates) where given, residuals at ``motion``.
    """
    at = first or motion
    H, b = np.zeros((motion.size, motion.size)), np.zeros(motion.size)
    last = np.arange(motion.size - WORLD, motion.size)
    for k, factor in enumerate(factors):
        J = factor.jacobians(at.states[k], at.states[k + 1], at.world)
        columns = np.concatenate([np.arange(STATE * k, STATE * (k + 2)), last])
        whole = np.hstack([J.i, J.j, J.world])
        weighted = whole.T @ factor.information
        H[np.ix_(columns, columns)] += weighted @ whole
        b[columns] += weighted @ factor.residual(
            motion.states[k], motion.states[k + 1], motion.world
        )
    return H, b


def inertial_chi_square(factors: Sequence[InertialFactor], motion: Motion) -> float:
    """Sum of the squared residuals over their covariance; 15 (K - 1) is usual at the truth."""
    total = 0.0
    for k, factor in enumerate(factors):
        r = factor.residual(motion.states[k], motion.states[k + 1], motion.world)
        total += float(r @ factor.information @ r)
    return total
