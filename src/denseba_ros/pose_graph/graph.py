"""Poses and the relative poses that were measured between them.

Poses are similarities S_map_camera (4, 4) float64, ``[s R, t; 0, 1]``: a camera's unit of length
is that of its own depths, and drifts along a path. An error (7,) of one is (translation, rotation,
log of the scale), applied from the left.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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


@dataclass
class PoseGraph:
    """``poses`` S_map_camera (4, 4) by the number of their keyframe, and ``edges``."""

    poses: dict[int, Doubles] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
