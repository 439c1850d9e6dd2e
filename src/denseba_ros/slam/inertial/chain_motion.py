"""The unknowns of the inertial chain: keyframes that move, in a map whose unit drifts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.imu.inertial_equations import STATE
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld

SHARED = 3
"""Steps of what all keyframes share: gravity 2, log gain of the accelerometer."""


@dataclass(frozen=True)
class ChainMotion:
    """``states`` of K keyframes, the ``log_scales`` (K,) of the metres a unit of the map is at each
    of them, and gravity and the accelerometer's gain, which ``upright`` has; its own scale counts
    for nothing.

    Steps (16K + 3,): the states one after the other, the log scales, gravity (rad), log gain.
    """

    states: list[InertialState]
    log_scales: np.ndarray
    upright: MetricWorld

    def __len__(self) -> int:
        return len(self.states)

    @property
    def size(self) -> int:
        """Unknowns."""
        return (STATE + 1) * len(self) + SHARED

    def world(self, k: int) -> MetricWorld:
        """At keyframe ``k``."""
        return replace(self.upright, metres_per_unit=float(np.exp(self.log_scales[k])))

    def columns(self, k: int) -> np.ndarray:
        """Of keyframe ``k`` and its world among the unknowns (19,)."""
        columns: np.ndarray = np.r_[self.rows(k), self.scale(k), self.size - SHARED : self.size]
        return columns

    def rows(self, k: int) -> np.ndarray:
        """Of keyframe ``k`` (15,)."""
        return np.arange(STATE * k, STATE * (k + 1))

    def scale(self, k: int) -> int:
        """Of the log scale at keyframe ``k``."""
        return STATE * len(self) + k

    def stepped(self, step: np.ndarray) -> ChainMotion:
        """After a step (16K + 3,)."""
        end = STATE * len(self)
        parts = step[:end].reshape(-1, STATE)
        states = [s.stepped(part) for s, part in zip(self.states, parts, strict=True)]
        upright = self.upright.stepped(np.concatenate([[0.0], step[-SHARED:]]))
        return ChainMotion(states, self.log_scales + step[end:-SHARED], upright)

    def appended(self, state: InertialState) -> ChainMotion:
        """With one more keyframe, where the unit is that of the last one."""
        scales = np.append(self.log_scales, self.log_scales[-1])
        return ChainMotion([*self.states, state], scales, self.upright)

    def part(self, start: int, end: int | None = None) -> ChainMotion:
        """Its keyframes from ``start`` to before ``end``."""
        return ChainMotion(self.states[start:end], self.log_scales[start:end], self.upright)

    def add(self, H: np.ndarray, b: np.ndarray, factor: InertialFactor, k: int) -> None:
        """Add a ``factor`` from keyframe ``k`` to the next one, where the unit is that of the
        latter, to Hessian (16K + 3, 16K + 3) and gradient (16K + 3,)."""
        world = self.world(k + 1)
        J = factor.jacobians(self.states[k], self.states[k + 1], world)
        columns = np.r_[self.rows(k), self.columns(k + 1)]
        whole = np.hstack([J.i, J.j, J.world])
        weighted = whole.T @ factor.information
        H[np.ix_(columns, columns)] += weighted @ whole
        b[columns] += weighted @ factor.residual(self.states[k], self.states[k + 1], world)

    def add_drift(self, H: np.ndarray, b: np.ndarray, variance: float, k: int) -> None:
        """Add that the log scale walked from keyframe ``k`` to the next one with a ``variance``."""
        rows, signs = np.arange(self.scale(k), self.scale(k) + 2), np.array([-1.0, 1.0])
        H[np.ix_(rows, rows)] += np.outer(signs, signs) / variance
        b[rows] += signs * (self.log_scales[k + 1] - self.log_scales[k]) / variance
