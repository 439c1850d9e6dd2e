"""The graph of all keyframes, fed from the window, and how the window's world lies in the map.

The window's world is rescaled now and then, about its newest camera: what is known of the drift of
its scale is corrected. ``unit`` is the logarithm of the growth since the start. The newest camera
had drifted; the older ones of the window, which grow with it, were right when they came. So the
path has the unit of each keyframe's birth, and what that grew by until it left is a scale of its
pose. (With the unit in which they left, KITTI raw is at 0.39 m instead of 0.32, KITTI 00 at 0.28
instead of 0.22.) Where the newer keyframe of a closure was rescaled after it was measured, that is
taken into account too.

How far it is from one keyframe to the next is known twice: as tracking told it at the time, and as
the window had it when the older one left. Neither is better than the other, and their errors are
nearly independent, so a link has the geometric mean of both.

The window is never touched: a correction moves keyframes that left it, and ``S_map_world``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial

import numpy as np

from denseba_ros.geometry import se3, sim3
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.window_history import LeftKeyframe, WindowChange, dissolved

# Deviations of a link where too few points show in both keyframes: of the translation over the
# depth of the scene, and of the rotation in radians.
_VAGUE = (0.1, 0.05)
# The same, and of the log scale, of the motion between two maps, which was only predicted.
_PREDICTED, _PREDICTED_SCALE = (0.5, 0.3), 0.3
# Lengths that differ by more than this factor are not of the same motion.
_LIKE_LENGTHS = 1.5
# The unit drifts so many times as fast as is stated of the window: over one loop of the rendered
# building, where no depth network was trained, by 4 to 5 of its deviations, and the true closure
# was refused. Places that only look the same are beyond 100 there.
_DRIFT_UNKNOWN = 2.0
# Least deviation of the log scale of a link: no graph is solved with zero.
_LEAST_SCALE_SIGMA = 1e-3


# Numbers of both keyframes of an edge, and whether it is a closure.
_Key = tuple[int, int, bool]


@dataclass(frozen=True)
class _Link:
    """A relative pose (4, 4) of keyframe ``second`` to ``first`` with covariance (7, 7). Lengths of
    ``first`` have the unit of its birth, or, of a closure, its own; those of ``second``
    ``second_unit``, None: its own."""

    first: int
    second: int
    S_first_second: Doubles
    covariance: Doubles
    second_unit: float | None = None
    is_closure: bool = False


class KeyframeGraph:
    """Poses of the keyframes that left the window, their links, and ``S_map_world`` (4, 4) float64.

    Keyframes are numbered in the order of their images, from ``first`` in this session. ``unit`` is
    that of the window. ``is_joined``: no part of the map has a frame of its own; before, the poses
    of this session are in the frame of its first camera.
    """

    def __init__(
        self, scale_drift: float, saved: PoseGraph | None = None, first: int | None = None
    ) -> None:
        """``scale_drift``: standard deviation of the change of the log scale of a path as long as
        the depth of the scene; ``saved``: the graph of earlier sessions; ``first`` number of this
        one, by default the next after theirs."""
        saved = saved or PoseGraph()
        self.poses: dict[int, Doubles] = dict(saved.poses)
        self.S_map_world: Doubles = np.eye(4)
        self.unit = 0.0
        self._scale_drift = _DRIFT_UNKNOWN * scale_drift
        self.first = 1 + max(self.poses, default=-1) if first is None else first
        self.is_joined = not self.poses
        self._numbers: dict[int, int] = {}
        self._units = dict.fromkeys(self.poses, 0.0)
        self._births: dict[int, float] = {}
        self._told: dict[int, Doubles] = {}
        # Edges whose keyframes have both left the window change no more by themselves.
        self._edges = {_key(edge): edge for edge in saved.edges}
        self._untaken: dict[_Key, None] = {}
        self._taken_back: list[Edge] = []
        self._open: list[_Link] = []
        # Edges at each keyframe, and what those that were dropped are held by.
        self._at: defaultdict[int, set[_Key]] = defaultdict(set)
        for edge in saved.edges:
            self._note(edge)
        self._anchors: dict[int, tuple[int, Doubles]] = {}
        self._loose: tuple[int, float] | None = None
        self._was_provisional = False

    def number(self, stamp_ns: int) -> int | None:
        """Number of the keyframe of this stamp; None where there is none."""
        return self._numbers.get(stamp_ns)

    def unit_of(self, number: int) -> float:
        """Unit of a keyframe; the present one where it is in the window."""
        return self._units.get(number, self.unit)

    def poses_by_stamp(self) -> dict[int, Doubles]:
        """S_map_camera (4, 4) of the keyframes of this session that left the window."""
        known = [(stamp, n) for stamp, n in self._numbers.items() if n in self.poses]
        return {stamp: self.poses[number] for stamp, number in known}

    def pose(self, number: int) -> Doubles | None:
        """S_map_camera (4, 4) of a keyframe that left the window, also of one that was dropped."""
        if number in self.poses:
            return self.poses[number]
        anchor = self._anchors.get(number)
        return None if anchor is None else self.poses[anchor[0]] @ anchor[1]

    def closures_of(self, number: int) -> list[Edge]:
        """The closures whose second keyframe is this one, both of which left the window."""
        keys = sorted(key for key in self._at.get(number, ()) if key[2] and key[1] == number)
        return [self._edges[key] for key in keys]

    def take(self, change: WindowChange) -> list[tuple[int, LeftKeyframe]]:
        """Take in a change of the window; the keyframes that left it now, with their numbers."""
        self.unit += float(np.log(change.growth))
        stamps = [left.keyframe.stamp_ns for left in change.left]
        for stamp in sorted([*stamps, *(k.stamp_ns for k in change.local_map.keyframes)]):
            is_new = stamp not in self._numbers
            number = self._numbers.setdefault(stamp, self.first + len(self._numbers))
            # What a provisional window grew by, when a better one took its place, was no drift.
            if is_new or self._was_provisional:
                self._births[number] = self.unit
        self._was_provisional = change.is_provisional
        new = [(self._numbers[left.keyframe.stamp_ns], left) for left in change.left]
        new = [(number, left) for number, left in new if number not in self.poses]
        for number, left in new:
            self._add(number, left)
        for left in change.left:
            self._link(left, change.displacement)
        self._settle()
        return new

    def tell(self, stamp_ns: int, T_world_camera: Doubles) -> None:
        """The pose (4, 4) of a keyframe's image as tracking told it."""
        self._told[stamp_ns] = T_world_camera[:3, 3].copy()

    def close(self, closures: list[Edge], units: Mapping[int, float]) -> None:
        """Keep closures; ``units`` of their second keyframes when they were measured."""
        for edge in closures:
            self.is_joined |= edge.first < self.first
            second = units[edge.second]
            S, covariance = edge.S_first_second, edge.covariance
            self._open.append(_Link(edge.first, edge.second, S, covariance, second, True))
        self._settle()

    def replace(self, edge: Edge) -> None:
        """A closure that was measured again, in the units that its keyframes have now.

        Raises:
            KeyError: there is none between these two.
        """
        if _key(edge) not in self._edges:
            raise KeyError(_key(edge))
        self._keep(edge)

    def take_back(self, edge: Edge) -> None:
        """A closure that does not hold.

        Raises:
            KeyError: there is none between these two.
        """
        if _key(edge) not in self._edges:
            raise KeyError(_key(edge))
        if _key(edge) not in self._untaken:
            self._taken_back.append(edge)
        self._remove(_key(edge))

    def whole(self) -> PoseGraph:
        """The graph of all keyframes that left the window."""
        return PoseGraph(dict(self.poses), list(self._edges.values()))

    def drop(self, number: int, kept: int) -> bool:
        """Forget a keyframe that left the window and shows what keyframe ``kept`` does; False where
        it cannot be. Its links to those before and after become one, its best closure goes to the
        one after, and where it was it is from now on as seen from ``kept``.

        The new links share the error of what they were made of: a little too certain.
        """
        into = [self._edges[key] for key in sorted(self._at.get(number, ()))]
        before = [e for e in into if not e.is_closure and e.first == number]
        after = [e for e in into if not e.is_closure and e.second == number]
        open_after = [link for link in self._open if link.second == number and not link.is_closure]
        is_old = any(e.is_closure and e.first == number for e in into)
        is_old |= any(link.is_closure and link.first == number for link in self._open)
        if is_old or len(after) + len(open_after) != 1:
            return False
        link = open_after[0] if open_after else self._as_open(after[0])
        for edge in before:
            to_first = sim3.adjoint(link.S_first_second)
            covariance = link.covariance + to_first @ edge.covariance @ to_first.T
            S = link.S_first_second @ edge.S_first_second
            self._open.append(_Link(link.first, edge.second, S, covariance))
        self._hand_on(self.closures_of(number), link)
        self._anchors[number] = kept, sim3.inverse(self.poses[kept]) @ self.poses[number]
        self._forget(number)
        self._settle()
        return True

    def take_new_edges(self) -> list[Edge]:
        """The edges that are complete, or others, since the last call: both keyframes have left the
        window."""
        new = [self._edges[key] for key in self._untaken if key in self._edges]
        self._untaken = {}
        return new

    def take_removed_edges(self) -> list[Edge]:
        """Of the edges that ``take_new_edges`` gave, those that were taken back since the last
        call."""
        removed, self._taken_back = self._taken_back, []
        return removed

    def with_window(self, local_map: LocalMap, displacement: float) -> PoseGraph:
        """The graph with the keyframes of the window, as they are now."""
        poses = self.poses_with_window(local_map)
        return PoseGraph(poses, self._edges_with_window(local_map, displacement, poses))

    def poses_with_window(self, local_map: LocalMap) -> dict[int, Doubles]:
        """S_map_camera (4, 4) of all keyframes, those of the window as they are now."""
        poses = dict(self.poses)
        for stamp, T_world_camera in local_map.poses().items():
            number = self._numbers[stamp]
            poses.setdefault(number, self.S_map_world @ T_world_camera @ self._growth(number))
        return poses

    def edges_later(self, local_map: LocalMap, displacement: float) -> Callable[[], list[Edge]]:
        """The edges that ``with_window`` would give now, worked out by the thread that calls it:
        some 10 ms that the one that tracks does not have."""
        now = copy(self)
        now.poses, now._edges, now._open = dict(self.poses), dict(self._edges), list(self._open)
        now._numbers, now._units = dict(self._numbers), dict(self._units)
        now._births = dict(self._births)
        poses = now.poses_with_window(local_map)
        return partial(now._edges_with_window, local_map, displacement, poses)

    def _edges_with_window(
        self, local_map: LocalMap, displacement: float, known: Collection[int]
    ) -> list[Edge]:
        """All edges between the keyframes that are ``known``, with those of the window."""
        window = [self._as_link(left, displacement) for left in dissolved(local_map)[:-1]]
        links = [*self._open, *window]
        links = [link for link in links if link.first in known and link.second in known]
        return [*self._edges.values(), *map(self._edge, links)]

    def correct(self, corrected: dict[int, Doubles], before: PoseGraph, newest: int) -> Doubles:
        """Take over the optimised poses of a graph that ``with_window`` gave ``before``, where
        ``newest`` was the newest keyframe of the window; what came since moves with that, by the
        similarity (4, 4) that is returned."""
        motion = sim3.normalised(corrected[newest] @ sim3.inverse(before.poses[newest]))
        for number in self.poses.keys() - corrected.keys():
            self.poses[number] = motion @ self.poses[number]
        self.poses |= {n: S for n, S in corrected.items() if n in self.poses}
        # Rounding would double at each correction: the next motion is relative to this.
        self.S_map_world = sim3.normalised(motion @ self.S_map_world)
        return motion

    def adjust(self, poses: Mapping[int, Doubles]) -> None:
        """Take over ``poses`` (4, 4) of keyframes that left the window, which images gave and not
        the edges: those between two of them are from now on as these poses say, with the
        covariances that they had. All else moves with the newest of them."""
        newest = max(poses)
        self.correct(dict(poses), self.whole(), newest)
        for edge in list(self._edges.values()):
            if edge.first in poses and edge.second in poses:
                self._keep(edge.measured_by(poses))

    def _add(self, number: int, left: LeftKeyframe) -> None:
        self._units[number] = self.unit
        T_world_camera = se3.inverse(left.keyframe.T).cpu().numpy()
        self.poses[number] = self.S_map_world @ T_world_camera @ self._growth(number)
        if self._loose is not None:
            self._join_loose(number)

    def _join_loose(self, number: int) -> None:
        """Link the last keyframe of a map that was given up to the first of the next one."""
        assert self._loose is not None
        loose, depth = self._loose
        self._loose = None
        S = self._growth(number) @ sim3.inverse(self.poses[number]) @ self.poses[loose]
        sigmas = np.repeat([_PREDICTED[0] * depth, _PREDICTED[1], _PREDICTED_SCALE], [3, 3, 1])
        self._open.append(_Link(number, loose, S, np.diag(sigmas**2)))

    def _link(self, left: LeftKeyframe, displacement: float) -> None:
        if left.next_stamp_ns is None:
            self._loose = self._numbers[left.keyframe.stamp_ns], left.keyframe.points.median_depth
        else:
            self._open.append(self._as_link(left, displacement))

    def _as_open(self, edge: Edge) -> _Link:
        """An edge of the path as it was before its first keyframe left."""
        S = self._growth(edge.first) @ edge.S_first_second
        return _Link(edge.first, edge.second, S, edge.covariance)

    def _hand_on(self, closures: list[Edge], link: _Link) -> None:
        """Give the most certain of the closures of a keyframe to the one that follows it, by
        ``link``, where that has none of its own."""
        follower = link.first
        has_own = any(e.is_closure and e.second == follower for e in self._open)
        if not closures or has_own or self.closures_of(follower):
            return
        best = min(closures, key=lambda edge: float(np.linalg.slogdet(edge.covariance)[1]))
        S_kept_follower = best.S_first_second @ sim3.inverse(link.S_first_second)
        # An error of the link is one of the follower's pose, seen from the old keyframe.
        to_kept = sim3.adjoint(S_kept_follower)
        covariance = best.covariance + to_kept @ link.covariance @ to_kept.T
        unit = self._births.get(follower, 0.0)
        new = _Link(best.first, follower, S_kept_follower, covariance, unit, True)
        self._open.append(new)

    def _forget(self, number: int) -> None:
        del self.poses[number]
        for key in list(self._at.pop(number, ())):
            self._remove(key)
        self._open = [link for link in self._open if number not in (link.first, link.second)]

    def _remove(self, key: _Key) -> None:
        del self._edges[key]
        self._untaken.pop(key, None)
        for number in key[:2]:
            self._at[number].discard(key)

    def _keep(self, edge: Edge) -> None:
        self._edges[_key(edge)] = edge
        self._untaken[_key(edge)] = None
        self._note(edge)

    def _note(self, edge: Edge) -> None:
        for number in (edge.first, edge.second):
            self._at[number].add(_key(edge))

    def _settle(self) -> None:
        """Links whose keyframes have both left the window become edges."""
        is_complete = [
            link.first in self.poses and link.second in self.poses for link in self._open
        ]
        complete = [link for link, done in zip(self._open, is_complete, strict=True) if done]
        self._open = [link for link, done in zip(self._open, is_complete, strict=True) if not done]
        for edge in map(self._edge, complete):
            self._keep(edge)

    def _as_link(self, left: LeftKeyframe, displacement: float) -> _Link:
        assert left.next_stamp_ns is not None
        assert left.T_next_keyframe is not None
        covariance = np.zeros((7, 7))
        if left.covariance is None:
            sigmas = np.repeat([_VAGUE[0] * left.keyframe.points.median_depth, _VAGUE[1]], 3)
            covariance[:6, :6] = np.diag(sigmas**2)
        else:
            covariance[:6, :6] = displacement**2 * left.covariance
        covariance[6, 6] = self._scale_drift**2 * left.travel + _LEAST_SCALE_SIGMA**2
        first, second = (self._numbers[s] for s in (left.next_stamp_ns, left.keyframe.stamp_ns))
        S = left.T_next_keyframe.copy()
        S[:3, 3] *= np.exp(self._births[first] - self.unit_of(second))
        S[:3, 3] *= self._mean_length(left, float(np.linalg.norm(S[:3, 3])))
        return _Link(first, second, S @ self._growth(second), covariance)

    def _mean_length(self, left: LeftKeyframe, length: float) -> float:
        """Factor from the ``length`` of a link to its mean with that which tracking told."""
        ends = self._told.get(left.keyframe.stamp_ns), self._told.get(left.next_stamp_ns or 0)
        if ends[0] is None or ends[1] is None or length == 0.0:
            return 1.0
        ratio = float(np.linalg.norm(ends[1] - ends[0])) / length
        return math.sqrt(ratio) if 1.0 / _LIKE_LENGTHS < ratio < _LIKE_LENGTHS else 1.0

    def _growth(self, number: int) -> Doubles:
        """Similarity (4, 4) from a keyframe's own unit to that of its birth."""
        shrink = np.exp(self._births.get(number, 0.0) - self.unit_of(number))
        return np.diag([shrink, shrink, shrink, 1.0])

    def _edge(self, link: _Link) -> Edge:
        """The link as an edge between keyframes in their own units."""
        S = link.S_first_second.copy()
        if not link.is_closure:
            S = sim3.inverse(self._growth(link.first)) @ S
        if link.second_unit is not None:
            S[:3, :3] *= float(np.exp(link.second_unit - self.unit_of(link.second)))
        return Edge(link.first, link.second, S, link.covariance, link.is_closure)


def _key(edge: Edge) -> _Key:
    return edge.first, edge.second, edge.is_closure
