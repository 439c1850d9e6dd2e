"""A depth model that knows metres holds the scale of the map, which one camera lets drift.

At each new keyframe the model's depth is compared with the map's. What the model gets wrong there
changes from image to image, while the map's scale drifts slowly, so a Kalman filter over the
logarithm of their ratio tells the one from the other (Kalman, 1960; a random walk, observed).
"""

from __future__ import annotations

import math

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.slam.keyframe_depth import KNOWN_SCALE
from denseba_ros.slam.start_scale import SCALELESS, log_ratio

# Deviation of an image's scale over the disagreement of its shape with the map's (median of the
# absolute log ratio): where the shape is wrong, so is the scale. The least such disagreement.
_PER_DISAGREEMENT, _LEAST = 2.0, 0.02
# Beyond so many deviations a ratio counts as one of that size: the model or the map is wrong there.
_OUTLYING = 2.0


class ScaleAnchor:
    """Says by how much the map is to grow; all in logarithms of the scale."""

    def __init__(self, drift: float) -> None:
        """``drift``: deviation of the change of the map's log scale from keyframe to keyframe."""
        self._drift = drift
        self.reset()

    def reset(self) -> None:
        """The map starts anew, at a scale as good as one image says it."""
        self._variance: float | None = None

    def correction(self, keyframe: WindowKeyframe, frame: FrontendFrame) -> float:
        """Logarithm of the factor by which the map is too small, as far as that is known now.

        ``keyframe``: the newest, adjusted; ``frame``: what the model says of it. The caller applies
        the correction. Zero for models without a scale, and for those that hold every point.
        """
        if self._drift == 0.0:
            return 0.0
        if not KNOWN_SCALE <= float(frame.log_depth_sigma.median()) < SCALELESS:
            return 0.0
        found = log_ratio(keyframe, frame.log_depth[0, 0])
        if found is None:
            return 0.0
        measured, disagreement = (float(x) for x in found)
        return self._update(measured, (_PER_DISAGREEMENT * max(disagreement, _LEAST)) ** 2)

    def _update(self, measured: float, noise: float) -> float:
        variance = noise if self._variance is None else self._variance + self._drift**2
        gain = variance / (variance + noise)
        self._variance = (1.0 - gain) * variance
        limit = _OUTLYING * math.sqrt(variance + noise)
        return gain * min(max(measured, -limit), limit)
