"""How well odometry alone knows where one keyframe is from another: a gate for closures."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import pairwise

import numpy as np

from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.pose_graph.relative_pose import RelativePose


class OdometryPaths:
    """The paths of a graph along its odometry edges; asked often, it costs what a path is long."""

    def __init__(self, graph: PoseGraph) -> None:
        self._poses = graph.poses
        self._next: defaultdict[int, dict[int, Edge]] = defaultdict(dict)
        for edge in graph.edges:
            if not edge.is_closure:
                self._next[edge.first][edge.second] = self._next[edge.second][edge.first] = edge

    def relative(self, first: int, second: int) -> RelativePose | None:
        """The relative pose of two keyframes as the graph's poses have it, with the covariances of
        the fewest odometry edges that join them, compounded to first order; None if closures alone
        do.

        As if none of the closures held: never too small. Linear, so it is too small where the
        rotation is uncertain by more than some 20 degrees.

        Raises:
            PoseGraphError: one of the two is not in the graph, or what is on the way is malformed.
        """
        for number in (first, second):
            if number not in self._poses:
                raise PoseGraphError(f"keyframe {number} has no pose in the graph")
        path = self._path(first, second)
        if path is None:
            return None
        poses = np.array([self._poses[number] for number in path])
        S_first_path = sim3.inverse(poses[0]) @ poses
        to_first = sim3.adjoint(S_first_path)
        total = np.zeros((7, 7))
        for place, (number, after) in enumerate(pairwise(path)):
            edge = self._next[number][after]
            # An edge's error is in the axes of its first keyframe, wherever the path comes from.
            start = place if edge.first == number else place + 1
            total += to_first[start] @ edge.covariance @ to_first[start].T
        if not np.isfinite(total).all():
            raise PoseGraphError(f"poses or edges from {first} to {second} are not finite")
        return RelativePose(S_first_path[-1], total)

    def _path(self, first: int, second: int) -> list[int] | None:
        before, ahead = {first: first}, deque([first])
        while ahead and second not in before:
            number = ahead.popleft()
            for other in self._next.get(number, ()):
                if other not in before:
                    before[other] = number
                    ahead.append(other)
        if second not in before:
            return None
        path = [second]
        while path[-1] != first:
            path.append(before[path[-1]])
        return path[::-1]
