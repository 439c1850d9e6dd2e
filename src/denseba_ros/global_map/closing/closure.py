"""What the users of a map are told of a loop."""

from __future__ import annotations

from dataclasses import dataclass

from denseba_ros.pose_graph.graph import Doubles, Edge


@dataclass(frozen=True)
class Closure:
    """A loop that was closed: its ``edges`` as they were measured, and the ``correction`` (4, 4), a
    similarity by which the camera's pose in the map was multiplied from the left."""

    edges: tuple[Edge, ...]
    correction: Doubles

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Numbers of the keyframes, older first."""
        return [(edge.first, edge.second) for edge in self.edges]
