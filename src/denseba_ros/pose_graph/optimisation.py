"""Poses that fit the edges of a graph best: Levenberg and Marquardt's method.

Equations: Strasdat, Montiel, Davison, "Scale drift-aware large scale monocular SLAM", RSS 2010;
damping by Nielsen, "Damping parameter in Marquardt's method", IMM-REP-1999-05, Lyngby 1999.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles, PoseGraph
from denseba_ros.pose_graph.linearisation import Linearisation, State, System
from denseba_ros.pose_graph.robust_loss import Squared

_FIRST_DAMPING, _LARGEST_DAMPING = 1e-6, 1e12
# With more damping than this a step that gains nothing does not say that there is nothing to gain.
_SLIGHT_DAMPING = 1e-2
# Share of the cost that is rounding.
_ROUNDING = 1e-12
# Longer steps (translation over the camera's unit, radians, log of the scale) are not tried.
_LONGEST = 1e6


@dataclass(frozen=True)
class Optimised:
    """``poses`` (4, 4) by the number of their keyframe; ``squared_errors`` (E,) squared Mahalanobis
    distance of each edge, without loss; ``cost_before`` and ``cost_after`` with it;
    ``ok``: it came to rest within ``iterations``."""

    poses: dict[int, Doubles]
    squared_errors: Doubles
    iterations: int
    cost_before: float
    cost_after: float
    ok: bool


def optimise(
    graph: PoseGraph,
    fixed: Iterable[int] = (),
    loss: Squared | None = None,
    max_iterations: int = 50,
    tolerance: float = 1e-2,
) -> Optimised:
    """Move all poses but those of the keyframes ``fixed`` (and the first of a part of the graph
    that holds none of them); the graph itself is not changed. ``loss`` (default: squares) is of
    closures. Ends after a step that gains no more than ``tolerance``, a squared Mahalanobis
    distance: what is left is less than a tenth of a sigma in any direction.

    Raises:
        PoseGraphError: the graph is malformed, or a keyframe of ``fixed`` is not in it.
    """
    problem = Linearisation(graph, fixed, loss or Squared())
    descent = _Descent(problem, tolerance)
    first, iterations = descent.state, 0
    while not descent.ok and not descent.stuck and iterations < max_iterations:
        iterations += 1
        descent.iterate()
    last = descent.state
    poses = np.where(problem.free[:, None, None], sim3.normalised(last.poses), last.poses)
    by_number = dict(zip(problem.arrays.numbers.tolist(), poses, strict=True))
    return Optimised(by_number, last.squared, iterations, first.cost, last.cost, descent.ok)


class _Descent:
    """The state that was reached, the damping, whether it is at rest (``ok``) or gave up
    (``stuck``)."""

    def __init__(self, problem: Linearisation, tolerance: float) -> None:
        self._problem, self._tolerance = problem, tolerance
        self.state = problem.state(problem.arrays.poses)
        self._damping, self._growth = _FIRST_DAMPING, 2.0
        self.ok, self.stuck = problem.pattern.free == 0, False

    def iterate(self) -> None:
        """One linear system, damped until a step makes the cost smaller."""
        system = self._problem.system(self.state)
        while not self.ok and not self._accepted(system):
            self._damping *= self._growth
            self._growth *= 2.0
            if self._damping > _LARGEST_DAMPING:
                self.stuck = True
                return

    def _accepted(self, system: System) -> bool:
        found = system.step(self._damping)
        if found is None or float(np.abs(found[0]).max()) > _LONGEST:
            return False
        step, gain = found
        nothing = gain <= self._tolerance + _ROUNDING * self.state.cost
        self.ok = nothing and self._damping < _SLIGHT_DAMPING
        trial = self._problem.moved(self.state, step)
        # Also refuses a cost that is not finite.
        if not trial.cost <= self.state.cost:
            return False
        self._lessen(trial, gain)
        return True

    def _lessen(self, trial: State, gain: float) -> None:
        ratio = (self.state.cost - trial.cost) / max(gain, 1e-300)
        self._damping *= max(0.1, 1.0 - (2.0 * min(ratio, 1.0) - 1.0) ** 3)
        self._growth, self.state = 2.0, trial
