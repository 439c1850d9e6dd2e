"""A depth model that knows metres holds the scale of the map, which one camera lets drift.

At each new keyframe the model's depth is compared with the map's. Their log ratio is the sum of
what the model gets wrong in this scene for good, what it gets wrong in this image alone, and the
map's drift since the start. A Kalman filter (Kalman, 1960) over the first and the last tells them
apart: a constant error is left alone, as the map keeps to itself then, and drift is taken off.
"""

from __future__ import annotations

import math

import numpy as np

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.slam.keyframe_depth import KNOWN_SCALE
from denseba_ros.slam.start_scale import log_ratio, says_scale

# Deviation of an image's scale over the disagreement of its shape with the map's (median of the
# absolute log ratio): where the shape is wrong, so is the scale. The least such disagreement.
_PER_DISAGREEMENT, _LEAST = 2.0, 0.02
# Beyond so many deviations a ratio counts as one of that size: the model or the map is wrong there.
_OUTLYING = 2.0


class ScaleAnchor:
    """Says by how much the map is to grow; all in logarithms of the scale.

    State: the model's lasting error, and the map's drift, which is zero after each correction.
    """

    def __init__(self, drift: float) -> None:
        """``drift``: deviation of the change of the map's log scale from keyframe to keyframe."""
        self._drift = drift
        self.reset()

    def reset(self) -> None:
        """The map starts anew: what its scale is off by counts as the model's lasting error."""
        self._error = 0.0
        self._covariance: np.ndarray | None = None

    def correction(self, keyframe: WindowKeyframe, frame: FrontendFrame) -> float:
        """Logarithm of the factor by which the map has shrunk, as far as that is known now.

        ``keyframe``: the newest, adjusted; ``frame``: what the model says of it. The caller applies
        the correction. Zero for models without a scale, and for those that hold every point.
        """
        if self._drift == 0.0 or not says_scale(frame):
            return 0.0
        deviation = float(frame.log_depth_sigma.median())
        found = log_ratio(keyframe, frame.log_depth[0, 0])
        if deviation < KNOWN_SCALE or found is None:
            return 0.0
        if self._covariance is None:
            self._covariance = np.diag([deviation**2, 0.0])
        measured, disagreement = (float(x) for x in found)
        return self._update(measured, (_PER_DISAGREEMENT * max(disagreement, _LEAST)) ** 2)

    def _update(self, measured: float, noise: float) -> float:
        assert self._covariance is not None
        P = self._covariance + np.diag([0.0, self._drift**2])
        column = P.sum(1)
        variance = float(column.sum()) + noise
        limit = _OUTLYING * math.sqrt(variance)
        missed = min(max(measured - self._error, -limit), limit)
        gain = column / variance
        self._covariance = P - np.outer(gain, column)
        self._error += float(gain[0]) * missed
        return float(gain[1]) * missed
