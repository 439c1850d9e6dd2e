"""Metres by the known height of the camera over the ground.

The map's unit follows from the height of the camera in it. Single planes err alike for a while, so
the median of the last ones counts, with a deviation that more of them do not lessen. It does not
correct the map's drift: it wanders more than a map does (docs/ablation.md).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.scale.ground_plane import height_over_ground
from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale

# So many heights count, and so many are needed.
_HEIGHTS, _ENOUGH = 20, 5
# Standard deviation of the log height that lasts: of the plane, and of the camera as it sways.
_LASTING = 0.05
# Standard deviation of Gaussian noise over its median absolute deviation.
_GAUSSIAN = 1.4826


@dataclass(frozen=True)
class CameraMount:
    """``height`` of the camera over the ground, metres; ``tilt`` by which it looks down, rad."""

    height: float
    tilt: float = 0.0


class HeightScale:
    """Metric scale of the map by the camera's height. ``drift``: as of ``ScaleDriftFilter``."""

    def __init__(self, mount: CameraMount, drift: float) -> None:
        self._mount, self._drift = mount, drift
        self.reset()

    def reset(self) -> None:
        """Another map."""
        self._log_heights: deque[float] = deque(maxlen=_HEIGHTS)
        self._travel = 0.0

    def update(self, camera: Pinhole, keyframes: list[WindowKeyframe], travel: float) -> None:
        """Take the ground in that ``keyframes`` show, oldest first; ``travel`` is the distance to
        the newest over the median depth."""
        height = height_over_ground(camera, keyframes, self._mount.tilt)
        self._travel += travel
        if height is not None:
            self._log_heights.append(math.log(height))
            self._travel = 0.0

    def rescale(self, log_growth: float) -> None:
        """Lengths of the map grew by the factor exp(``log_growth``)."""
        self._log_heights = deque((h + log_growth for h in self._log_heights), maxlen=_HEIGHTS)

    @property
    def scale(self) -> MetricScale:
        """Metres per unit of the map; less sure the farther the ground was seen last."""
        if len(self._log_heights) < _ENOUGH:
            return UNKNOWN_SCALE
        heights = np.array(self._log_heights)
        median = float(np.median(heights))
        spread = _GAUSSIAN * float(np.median(np.abs(heights - median)))
        sigma = math.hypot(_LASTING, spread, self._drift * math.sqrt(self._travel))
        return MetricScale(math.log(self._mount.height) - median, sigma)
