"""The graph of all keyframes, fed from the window, and how the window's world lies in the map.

The window's world is rescaled now and then, about its newest camera. A length of the map therefore
has the unit of its keyframe: that of the window when the keyframe left it. Units are counted by
the logarithm of the growth since the start; a length L of unit u is L exp(v - u) in unit v.

The window is never touched: a correction moves keyframes that left it, and ``S_map_world``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import se3, sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.window_history import LeftKeyframe, WindowChange, dissolved

Doubles = NDArray[np.float64]

# Deviations of a link where too few points show in both keyframes: of the translation over the
# depth of the scene, and of the rotation in radians.
_VAGUE = (0.1, 0.05)
# The same, and of the log scale, of the motion between two maps, which was only predicted.
_PREDICTED, _PREDICTED_SCALE = (0.5, 0.3), 0.3
# Least deviation of the log scale of a link: no graph is solved with zero.
_LEAST_SCALE_SIGMA = 1e-3


@dataclass(frozen=True)
class _Link:
    """A relative pose between two keyframes, named by their stamps, in ``unit``; covariance
    (7, 7)."""

    next_stamp_ns: int
    stamp_ns: int
    T_next_keyframe: Doubles
    covariance: Doubles
    unit: float


class KeyframeGraph:
    """``graph`` of the keyframes that left the window, and ``S_map_world`` (4, 4) float64."""

    def __init__(self, scale_drift: float) -> None:
        """``scale_drift``: standard deviation of the change of the log scale of a path as long as
        the depth of the scene."""
        self.graph = PoseGraph()
        self.S_map_world: Doubles = np.eye(4)
        self.unit = 0.0
        self._scale_drift = scale_drift
        self._numbers: dict[int, int] = {}
        self._units: dict[int, float] = {}
        self._open: list[_Link] = []
        self._loose: tuple[int, float] | None = None
        self._next_number = 0

    def number(self, stamp_ns: int) -> int | None:
        """Number of the keyframe of this stamp; None where none of it left the window."""
        return self._numbers.get(stamp_ns)

    def unit_of(self, stamp_ns: int) -> float:
        """Unit of a keyframe; the present one where it is in the window."""
        return self._units.get(stamp_ns, self.unit)

    def take(self, change: WindowChange) -> list[tuple[int, LeftKeyframe]]:
        """Take in a change of the window; the keyframes that are new, with their numbers."""
        if change.growth != 1.0:
            shrink = np.eye(4)
            shrink[:3, :3] /= change.growth
            shrink[:3, 3] = (1.0 - 1.0 / change.growth) * change.centre
            self.S_map_world = self.S_map_world @ shrink
            self.unit += float(np.log(change.growth))
        new = []
        for left in change.left:
            stamp = left.keyframe.stamp_ns
            if stamp not in self._numbers:
                new.append((self._add(left), left))
            self._link(left, change.displacement)
        self._close()
        return new

    def with_window(self, local_map: LocalMap, displacement: float) -> PoseGraph:
        """A copy of the graph with the keyframes of the window, under numbers beyond the others;
        the last is the newest keyframe."""
        graph = PoseGraph(dict(self.graph.poses), list(self.graph.edges))
        numbers, units = dict(self._numbers), dict(self._units)
        links = list(self._open)
        number = self._next_number
        for keyframe in local_map.keyframes:
            stamp = keyframe.stamp_ns
            if stamp not in numbers:
                numbers[stamp], units[stamp] = number, self.unit
                T = se3.inverse(keyframe.T).cpu().numpy()
                graph.poses[number] = self.S_map_world @ T
                number += 1
        for left in dissolved(local_map)[:-1]:
            links.append(self._as_link(left, displacement))
        for link in links:
            if link.next_stamp_ns in numbers:
                graph.edges.append(_edge(link, numbers, units))
        return graph

    def correct(self, corrected: PoseGraph, before: PoseGraph, newest: int) -> None:
        """Take over the optimised poses of a graph that ``with_window`` gave ``before``, in which
        the newest keyframe had the number ``newest``; what came since moves with that."""
        motion = corrected.poses[newest] @ sim3.inverse(before.poses[newest])
        for number, pose in self.graph.poses.items():
            known = number in before.poses and number < newest
            self.graph.poses[number] = corrected.poses[number] if known else motion @ pose
        self.S_map_world = motion @ self.S_map_world

    def _add(self, left: LeftKeyframe) -> int:
        number, stamp = self._next_number, left.keyframe.stamp_ns
        self._next_number += 1
        self._numbers[stamp], self._units[stamp] = number, self.unit
        T = se3.inverse(left.keyframe.T).cpu().numpy()
        self.graph.poses[number] = self.S_map_world @ T
        if self._loose is not None:
            self._join_loose(number, left)
        return number

    def _join_loose(self, number: int, left: LeftKeyframe) -> None:
        """Link the last keyframe of a map that was given up to the first of the next one."""
        assert self._loose is not None
        loose, depth = self._loose
        self._loose = None
        S = sim3.inverse(self.graph.poses[number]) @ self.graph.poses[loose]
        sigmas = np.repeat([_PREDICTED[0] * depth, _PREDICTED[1], _PREDICTED_SCALE], [3, 3, 1])
        self.graph.edges.append(Edge(number, loose, S, np.diag(sigmas**2)))

    def _link(self, left: LeftKeyframe, displacement: float) -> None:
        if left.next_stamp_ns is None:
            number = self._numbers[left.keyframe.stamp_ns]
            self._loose = number, _depth(left)
        else:
            self._open.append(self._as_link(left, displacement))

    def _as_link(self, left: LeftKeyframe, displacement: float) -> _Link:
        assert left.next_stamp_ns is not None
        assert left.T_next_keyframe is not None
        covariance = np.zeros((7, 7))
        if left.covariance is None:
            sigmas = np.repeat([_VAGUE[0] * _depth(left), _VAGUE[1]], 3)
            covariance[:6, :6] = np.diag(sigmas**2)
        else:
            covariance[:6, :6] = displacement**2 * left.covariance
        covariance[6, 6] = self._scale_drift**2 * left.travel + _LEAST_SCALE_SIGMA**2
        stamp, T = left.keyframe.stamp_ns, left.T_next_keyframe
        return _Link(left.next_stamp_ns, stamp, T, covariance, self.unit)

    def _close(self) -> None:
        """Links whose both keyframes have left become edges."""
        closed = [link for link in self._open if link.next_stamp_ns in self._numbers]
        self._open = [link for link in self._open if link.next_stamp_ns not in self._numbers]
        self.graph.edges += [_edge(link, self._numbers, self._units) for link in closed]


def _edge(link: _Link, numbers: dict[int, int], units: dict[int, float]) -> Edge:
    """The link as an edge between keyframes of their own units."""
    unit = units[link.next_stamp_ns]
    growth = float(np.exp(unit - link.unit))
    S = link.T_next_keyframe.copy()
    S[:3, :3] *= float(np.exp(unit - units[link.stamp_ns]))
    S[:3, 3] *= growth
    lengths = np.repeat([growth, 1.0], [3, 4])
    covariance = link.covariance * lengths[:, None] * lengths
    return Edge(numbers[link.next_stamp_ns], numbers[link.stamp_ns], S, covariance)


def _depth(left: LeftKeyframe) -> float:
    """Median depth of a keyframe's points."""
    points = left.keyframe.points
    return float(1.0 / points.inverse_depth[points.valid].median().clamp(min=1e-6))
