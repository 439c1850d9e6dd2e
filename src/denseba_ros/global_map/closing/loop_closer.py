"""Loop closure: a ladder on whose every rung a candidate may be refused, with the reason counted.

1. The image looks like that of a keyframe that is not its neighbour in time.
2. Both are aligned with each other (``place_verification``).
3. Their relative pose is one that the graph holds for possible; a session that is not yet of one
   piece with the map is not put into one of two places that look the same.
4. A second pair close by tells the same, by the motion between both.
5. After optimisation it is within 3 sigma of what all other links say; else it is taken back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch

from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.place_verification import Place, PlaceVerifier, Verification
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.pose_graph.marginals import Marginals
from denseba_ros.pose_graph.odometry_path import OdometryPaths
from denseba_ros.pose_graph.optimisation import Optimised, optimise
from denseba_ros.pose_graph.relative_pose import RelativePose
from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER

# Two pairs confirm each other when the newer keyframes are at most so many numbers apart.
_NEARBY = 6
# So many closures of one keyframe are enough: more say much the same, and cost 0.1 s each.
_ENOUGH = 2
# Outcomes that wait to be taken, at most.
_OUTCOMES = 1000


@dataclass(frozen=True)
class Closed:
    """A graph with closures that was optimised, and the ``closures`` that are new in it."""

    graph: PoseGraph
    result: Optimised
    closures: list[Edge]


@dataclass(frozen=True)
class _Waiting:
    """A closure that no other confirmed yet, ``measured`` when its second keyframe had ``unit``."""

    measured: Edge
    unit: float

    def edge(self, units: Mapping[int, float]) -> Edge:
        """The closure in the units that there are now."""
        S = self.measured.S_first_second.copy()
        S[:3, :3] *= float(np.exp(self.unit - units[self.measured.second]))
        return replace(self.measured, S_first_second=S)


@dataclass(frozen=True)
class Outcome:
    """What became of the keyframes ``first`` and ``second``: "accepted", "refused", "taken back",
    with the reason."""

    first: int
    second: int
    outcome: str
    reason: str = ""


class LoopCloser:
    """Finds closures and optimises the graph with them.

    ``counts``: closures accepted, and by reason those refused or taken back. ``outcomes``: the
    same one by one, until somebody takes them.
    """

    def __init__(self, verifier: PlaceVerifier, place: Callable[[int], Place]) -> None:
        """``place`` gives a keyframe of the map by its number."""
        self._verifier, self._place = verifier, place
        self._pending: list[_Waiting] = []
        self.counts: Counter[str] = Counter()
        self.outcomes: deque[Outcome] = deque(maxlen=_OUTCOMES)

    def verified(
        self,
        number: int,
        candidates: list[int],
        graph: PoseGraph,
        units: Mapping[int, float],
        displacement: float,
        first: int | None = None,
    ) -> list[Edge]:
        """Closures of keyframe ``number`` with the first of ``candidates`` that passed all rungs
        but the last, and those before it that they confirm. ``graph``: with the keyframe in it;
        ``units`` of the last keyframes in that; keyframes from ``first`` on are not yet of one
        piece with others.
        """
        found: list[Edge] = []
        marginals = None
        for candidate in candidates:
            if len(found) == _ENOUGH:
                break
            self.counts["places tried"] += 1
            edge = self._verify(candidate, number, displacement)
            if edge is None:
                continue
            if not crosses(edge, first):
                # One factorisation for all: where the graph is held changes no relative pose.
                marginals = marginals or Marginals(graph)
                if not self._is_possible(edge, marginals):
                    continue
            found.append(edge)
        found = self._unambiguous(found, graph, first)
        confirmed = self._confirm(found, graph, units)
        self.counts["verified"] += len(found)
        return confirmed

    def close(
        self, graph: PoseGraph, closures: list[Edge], fixed: list[int], first: int | None = None
    ) -> Closed | None:
        """The graph with new ``closures``, optimised; None where they contradict the rest.
        Keyframes from ``first`` on are a piece of their own, which the first closure joins.

        A residual alone does not show that: odometry bends to a false closure. So each is compared
        with what all other links say of it.
        """
        poses = joined(graph.poses, closures, first)
        together = PoseGraph(poses, [*graph.edges, *closures])
        result = optimise(together, fixed)
        if not result.ok:
            self._take_back(closures, "the graph has no solution")
            return None
        marginals = Marginals(PoseGraph(result.poses, together.edges), fixed)
        new = range(len(graph.edges), len(together.edges))
        if max(marginals.squared_innovation(edge) for edge in new) > SQUARED_OUTLIER:
            self._take_back(closures, "beyond 3 sigma of all other links")
            return None
        self.counts["accepted"] += len(closures)
        self.outcomes += [Outcome(e.first, e.second, "accepted") for e in closures]
        return Closed(together, result, closures)

    def measured(self, old: int, new: int, displacement: float) -> tuple[Edge | None, str]:
        """The closure of two keyframes as they are now; None with the reason where they are not
        linked."""
        return _linked(
            old, new, self._verifier.verify(self._place(old), self._place(new), displacement)
        )

    def measured_again(self, closure: Edge, displacement: float) -> tuple[Edge | None, str]:
        """As ``measured``, from what the ``closure`` says of both: no matches are looked for."""
        old, new, S = closure.first, closure.second, closure.S_first_second
        T_new_old = sim3.rigid(sim3.inverse(S))
        T_new_old[:3, 3] *= float(sim3.scale(S))  # in the unit of the old keyframe
        places = self._place(old), self._place(new)
        return _linked(
            old, new, self._verifier.aligned(*places, torch.from_numpy(T_new_old), displacement)
        )

    def _verify(self, old: int, new: int, displacement: float) -> Edge | None:
        edge, reason = self.measured(old, new, displacement)
        if edge is None:
            self._refuse(old, new, reason)
        return edge

    def _refuse(self, old: int, new: int, reason: str) -> None:
        self.counts[reason] += 1
        self.outcomes.append(Outcome(old, new, "refused", reason))

    def _take_back(self, closures: list[Edge], reason: str) -> None:
        self.counts[f"taken back: {reason}"] += len(closures)
        self.outcomes += [Outcome(e.first, e.second, "taken back", reason) for e in closures]

    def _is_possible(self, edge: Edge, marginals: Marginals) -> bool:
        """Whether the graph, with all that is known of its errors, allows for the closure."""
        expected = marginals.relative(edge.first, edge.second)
        if expected.squared_error(edge.S_first_second, edge.covariance) > SQUARED_OUTLIER:
            self._refuse(edge.first, edge.second, "not where the graph can be")
            return False
        return True

    def _unambiguous(self, found: list[Edge], graph: PoseGraph, first: int | None) -> list[Edge]:
        """Those found, but none where they put a session into different places of the map; what
        waited then waits no more."""
        crossing = [edge for edge in found if crosses(edge, first)]
        if len(crossing) < 2:
            return found
        marginals = Marginals(graph)
        if all(_is_one_place(*pair, marginals) for pair in combinations(crossing, 2)):
            return found
        for edge in crossing:
            self._refuse(edge.first, edge.second, "more than one place looks the same")
        self._pending = []
        return []

    def _confirm(
        self, found: list[Edge], graph: PoseGraph, units: Mapping[int, float]
    ) -> list[Edge]:
        """Those that agree with one of an earlier keyframe close by, and that one if it waited."""
        if not found:
            return []
        newest = found[0].second
        # A keyframe may be gone: its window was given up for a better one.
        waiting = [
            w.edge(units)
            for w in self._pending
            if newest - w.measured.second <= _NEARBY and w.measured.second in graph.poses
        ]
        closed = [e for e in graph.edges if e.is_closure and newest - e.second <= _NEARBY]
        confirmed: dict[tuple[int, int], Edge] = {}
        odometry = OdometryPaths(graph)
        for edge in found:
            for other in [*waiting, *closed]:
                if _agree(edge, other, odometry):
                    confirmed |= {(e.first, e.second): e for e in (other, edge)}
        for edge in closed:
            confirmed.pop((edge.first, edge.second), None)
        left = [e for e in [*waiting, *found] if (e.first, e.second) not in confirmed]
        self._pending = [_Waiting(e, units[e.second]) for e in left]
        return list(confirmed.values())


def _linked(old: int, new: int, verification: Verification) -> tuple[Edge | None, str]:
    """The edge that a verification gave, or why there is none."""
    if verification.S_old_new is None or verification.covariance is None:
        return None, verification.reason
    S, covariance = verification.S_old_new, verification.covariance
    return Edge(old, new, S, covariance, is_closure=True), ""


def crosses(edge: Edge, first: int | None) -> bool:
    """Whether a closure is between keyframes before number ``first`` and others."""
    return first is not None and edge.first < first <= edge.second


def joined(
    poses: Mapping[int, Doubles], closures: list[Edge], first: int | None
) -> dict[int, Doubles]:
    """The poses of a graph, those from number ``first`` on where the first closure that reaches
    them says."""
    edge = next((e for e in closures if crosses(e, first)), None)
    if edge is None or first is None:
        return dict(poses)
    motion = poses[edge.first] @ edge.S_first_second @ sim3.inverse(poses[edge.second])
    return {n: motion @ S if n >= first else S for n, S in poses.items()}


def _is_one_place(one: Edge, other: Edge, marginals: Marginals) -> bool:
    """Whether two closures of one keyframe tell how their old keyframes lie to each other as the
    map does."""
    S_one_other = one.S_first_second @ sim3.inverse(other.S_first_second)
    to_one = sim3.adjoint(S_one_other)
    covariance = one.covariance + to_one @ other.covariance @ to_one.T
    expected = marginals.relative(one.first, other.first)
    return expected.squared_error(S_one_other, covariance) <= SQUARED_OUTLIER


def _agree(one: Edge, other: Edge, odometry: OdometryPaths) -> bool:
    """Whether a closure follows from another and the motion at both of its ends."""
    before = odometry.relative(one.first, other.first)
    after = odometry.relative(other.second, one.second)
    if before is None or after is None:
        return False
    S_before, S_other = before.S_first_second, other.S_first_second
    expected = S_before @ S_other @ after.S_first_second
    to_one, to_after = sim3.adjoint(S_before), sim3.adjoint(S_before @ S_other)
    covariance = before.covariance + to_one @ other.covariance @ to_one.T
    covariance = covariance + to_after @ after.covariance @ to_after.T
    path = RelativePose(expected, covariance)
    return path.squared_error(one.S_first_second, one.covariance) < SQUARED_OUTLIER
