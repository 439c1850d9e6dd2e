"""Scale drift of a monocular map, corrected by a metric depth model.

At each new keyframe the model's depth is compared with the map's. The model's error changes from
image to image, while the map's scale drifts slowly, so a Kalman filter of the logarithm of their
ratio separates the two (Kalman, "A new approach to linear filtering and prediction problems", 1960;
state: a random walk). Scale drifts with distance, where old points leave the view and new ones come
in, not with time: a camera that moves little relative to the scene's depth, as indoors, keeps its
scale better than a model measures it.
"""

from __future__ import annotations

import math

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.slam.initialisation.scale_initialisation import (
    SCALELESS,
    certain_points,
    log_ratio,
)
from denseba_ros.slam.mapping.keyframe_depth import KNOWN_SCALE

# Standard deviation of an image's log scale over the disagreement of its shape with the map's
# (median absolute log ratio): where the shape is wrong, so is the scale. Least such disagreement.
_SIGMA_PER_DISAGREEMENT, _MIN_DISAGREEMENT = 2.0, 0.02
# Innovations are clipped at so many standard deviations: the model or the map is wrong there.
_MAX_INNOVATION = 2.0


class ScaleDriftFilter:
    """Kalman filter of the map's scale error; all in logarithms of the scale."""

    def __init__(self, drift: float) -> None:
        """``drift``: standard deviation of the change of the map's log scale per distance travelled
        in units of the median depth."""
        self._drift = drift
        self.reset()

    def reset(self) -> None:
        """A new map, whose scale has the variance of one image's measurement."""
        self._variance: float | None = None

    def log_correction(self, keyframes: list[WindowKeyframe], frame: FrontendFrame) -> float:
        """Logarithm of the estimated factor by which the map is too small.

        ``keyframes``: after bundle adjustment, oldest first; ``frame``: of the newest, with the
        model's depth. The caller applies the correction. Zero for models without a scale, and for
        those that are a prior of every point already.
        """
        if self._drift == 0.0:
            return 0.0
        if not KNOWN_SCALE <= float(frame.log_depth_sigma.median()) < SCALELESS:
            return 0.0
        ratio = log_ratio(keyframes[-1], frame.log_depth[0, 0])
        if ratio is None:
            return 0.0
        measured, disagreement = (float(x) for x in ratio)
        return self.update(measured, disagreement, _travel(keyframes))

    def update(self, measured: float, disagreement: float, travel: float) -> float:
        """One filter step; returns the correction of the log scale.

        Args:
            measured: log(model's depth / map's depth) at a new keyframe, the innovation.
            disagreement: median absolute deviation of that log ratio over the points.
            travel: distance from the keyframe before, over the median depth.
        """
        noise = (_SIGMA_PER_DISAGREEMENT * max(disagreement, _MIN_DISAGREEMENT)) ** 2
        # The first measurement sets the initial variance.
        previous = noise if self._variance is None else self._variance
        variance = previous + (self._drift * travel) ** 2
        gain = variance / (variance + noise)
        self._variance = (1.0 - gain) * variance
        limit = _MAX_INNOVATION * math.sqrt(variance + noise)
        return gain * min(max(measured, -limit), limit)


def _travel(keyframes: list[WindowKeyframe]) -> float:
    """Distance from the last keyframe to the newest over the median depth of its certain points."""
    if len(keyframes) < 2:
        return 0.0
    last, newest = keyframes[-2:]
    step = (newest.T @ se3.inverse(last.T))[:3, 3].norm()
    return float(step * newest.points.inverse_depth[certain_points(newest)].median())
