"""What the users of a map are told of a loop."""

from __future__ import annotations

from dataclasses import dataclass

from denseba_ros.pose_graph.graph import Doubles


@dataclass(frozen=True)
class Closure:
    """A loop that was closed: ``pairs`` of keyframes, older first, and the ``correction`` (4, 4),
    a similarity by which the camera's pose in the map was multiplied from the left."""

    pairs: tuple[tuple[int, int], ...]
    correction: Doubles
