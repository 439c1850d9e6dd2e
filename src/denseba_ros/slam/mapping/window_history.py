"""What leaves the window, for a map that is larger: keyframes, and how they lie to those that stay.

A keyframe that leaves is linked to the next one in time: a chain of relative poses that were
adjusted together. Poses in the world of the window alone would not do, as that world is rescaled.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.state.pose_covariance import motion_growth

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class LeftKeyframe:
    """A ``keyframe`` as it left the window, and the keyframe that follows it in time, of
    ``next_stamp_ns``, None where nothing is known of the motion to that.

    ``T_next_keyframe`` (4, 4) float64 has the unit of length of that time. ``covariance`` (6, 6) of
    it, perturbed on the left, is per squared displacement of the image (``correlated_noise``);
    None where too few points show in both. ``travel`` is its length over the depth of the scene.
    """

    keyframe: WindowKeyframe
    next_stamp_ns: int | None = None
    T_next_keyframe: Doubles | None = None
    covariance: Doubles | None = None
    travel: float = 0.0


@dataclass(frozen=True)
class WindowChange:
    """One change of the window: first its world grew by ``growth`` about the newest
    camera, then keyframes ``left`` it, oldest first; ``local_map`` is what there is since.

    ``displacement`` is the deviation of what displaces the image (``PoseCovariance``).
    ``is_provisional``: once there is parallax, a better map of the same place will be begun, and
    only the first of these keyframes will be in that.
    """

    local_map: LocalMap
    left: tuple[LeftKeyframe, ...]
    growth: float
    displacement: float
    is_provisional: bool = False


class WindowHistory:
    """Collects the changes of the window until somebody takes them; forgets all where nobody is
    to (``is_kept``)."""

    def __init__(self) -> None:
        self.is_kept = False
        self._changes: list[WindowChange] = []
        self._displacement = 0.0

    def take(self) -> list[WindowChange]:
        """The changes since the last call, each given once."""
        changes, self._changes = self._changes, []
        return changes

    def add(
        self,
        local_map: LocalMap,
        left: Sequence[LeftKeyframe],
        displacement: float,
        growth: float = 1.0,
        is_provisional: bool = False,
    ) -> None:
        """The window is ``local_map`` since ``left`` went; before, it grew about the newest."""
        if not self.is_kept:
            return
        self._displacement = displacement
        self._changes.append(
            WindowChange(local_map, tuple(left), growth, displacement, is_provisional)
        )

    def end(self, local_map: LocalMap | None) -> None:
        """All keyframes of the window leave it: no image will follow."""
        if local_map is not None:
            self.add(local_map, dissolved(local_map), self._displacement)


def link_to_next(
    camera: Pinhole, left: Sequence[WindowKeyframe], stayed: Sequence[WindowKeyframe]
) -> list[LeftKeyframe]:
    """The keyframes that ``left``, each with its link to the next later one of those that
    ``stayed``."""
    linked = []
    for keyframe in left:
        later = [k for k in stayed if k.stamp_ns > keyframe.stamp_ns]
        after = min(later, key=lambda k: k.stamp_ns, default=None)
        linked.append(LeftKeyframe(keyframe) if after is None else _link(camera, keyframe, after))
    return linked


def _link(camera: Pinhole, keyframe: WindowKeyframe, after: WindowKeyframe) -> LeftKeyframe:
    T = after.T @ se3.inverse(keyframe.T)
    covariance = motion_growth(camera, keyframe, T, after.stamp_ns)
    depth = keyframe.points.median_depth
    travel = float(T[:3, 3].norm()) / depth if math.isfinite(depth) else 0.0
    return LeftKeyframe(keyframe, after.stamp_ns, T.cpu().numpy(), covariance, travel)


def dissolved(local_map: LocalMap, kept: Collection[int] = ()) -> list[LeftKeyframe]:
    """All keyframes of a window that is given up, linked in a chain, but for those of the stamps
    ``kept``."""
    keyframes = local_map.keyframes
    chain = [_link(local_map.camera, *pair) for pair in pairwise(keyframes)]
    chain.append(LeftKeyframe(local_map.newest))
    return [left for left in chain if left.keyframe.stamp_ns not in kept]
