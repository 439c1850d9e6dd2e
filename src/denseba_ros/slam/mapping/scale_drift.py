"""A depth model that knows metres holds the scale of the map, which one camera lets drift.

At each new keyframe the model's depth is compared with the map's. What the model gets wrong there
changes from image to image, while the map's scale drifts slowly, so a Kalman filter over the
logarithm of their ratio tells the one from the other (Kalman, 1960; a random walk, observed).
Scale is lost on the way, where points leave the view and others come, not with time: a camera that
moves by little of the depth that it sees, as indoors, keeps its scale better than a model says it.
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

# Deviation of an image's scale over the disagreement of its shape with the map's (median of the
# absolute log ratio): where the shape is wrong, so is the scale. The least such disagreement.
_PER_DISAGREEMENT, _LEAST = 2.0, 0.02
# Beyond so many deviations a ratio counts as one of that size: the model or the map is wrong there.
_OUTLYING = 2.0


class ScaleDriftFilter:
    """Says by how much the map is to grow; all in logarithms of the scale."""

    def __init__(self, drift: float) -> None:
        """``drift``: deviation of the change of the map's log scale while the camera travels as far
        as the points are away that it sees."""
        self._drift = drift
        self.reset()

    def reset(self) -> None:
        """The map starts anew, at a scale as good as one image says it."""
        self._variance: float | None = None

    def log_correction(self, keyframes: list[WindowKeyframe], frame: FrontendFrame) -> float:
        """Logarithm of the factor by which the map is too small, as far as that is known now.

        ``keyframes``: adjusted, oldest first; ``frame``: what the model says of the newest. The
        caller applies the correction. Zero for models without a scale, and for those that hold
        every point.
        """
        if self._drift == 0.0:
            return 0.0
        if not KNOWN_SCALE <= float(frame.log_depth_sigma.median()) < SCALELESS:
            return 0.0
        found = log_ratio(keyframes[-1], frame.log_depth[0, 0])
        if found is None:
            return 0.0
        measured, disagreement = (float(x) for x in found)
        return self.update(measured, disagreement, _travel(keyframes))

    def update(self, measured: float, disagreement: float, travel: float) -> float:
        """The correction for a keyframe of which the model says the logarithm ``measured``.

        ``disagreement``: median absolute log ratio of the shapes; ``travel``: distance from the
        keyframe before, over the depth.
        """
        noise = (_PER_DISAGREEMENT * max(disagreement, _LEAST)) ** 2
        # Of the first image nothing is known but what it says itself.
        before = noise if self._variance is None else self._variance
        variance = before + (self._drift * travel) ** 2
        gain = variance / (variance + noise)
        self._variance = (1.0 - gain) * variance
        limit = _OUTLYING * math.sqrt(variance + noise)
        return gain * min(max(measured, -limit), limit)


def _travel(keyframes: list[WindowKeyframe]) -> float:
    """Distance from the last keyframe to the newest over the median depth of its certain points."""
    if len(keyframes) < 2:
        return 0.0
    last, newest = keyframes[-2:]
    step = (newest.T @ se3.inverse(last.T))[:3, 3].norm()
    return float(step * newest.points.inverse_depth[certain_points(newest)].median())
