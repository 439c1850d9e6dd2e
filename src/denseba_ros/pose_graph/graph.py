"""Poses and the relative poses that were measured between them.

Poses are similarities S_map_camera (4, 4) float64, ``[s R, t; 0, 1]``: a camera's unit of length
is that of its own depths, and drifts along a path. An error (7,) of one is (translation, rotation,
log of the scale), applied from the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Edge:
    """A measured S_first_second (4, 4); its error is ``log(S_measured inv(S_estimated))`` (7,), in
    the axes and the unit of ``first``, with ``covariance`` (7, 7). ``is_closure``: the two were
    recognised as one place; else they follow each other on the path."""

    first: int
    second: int
    S_first_second: Doubles
    covariance: Doubles
    is_closure: bool = False

    def measured_by(self, poses: Mapping[int, Doubles]) -> Edge:
        """The same edge as ``poses`` (4, 4) of both of its keyframes say."""
        S = sim3.inverse(poses[self.first]) @ poses[self.second]
        return replace(self, S_first_second=S)


@dataclass
class PoseGraph:
    """``poses`` S_map_camera (4, 4) by the number of their keyframe, and ``edges``."""

    poses: dict[int, Doubles] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
