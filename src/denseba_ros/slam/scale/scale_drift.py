"""Scale drift of a monocular map, corrected by a metric depth model, and the metric scale.

At each new keyframe the model's depth is compared with the map's. ``scale_hypotheses`` tells the
drift of the map from errors of the model; the map is corrected by drift alone, and what lasts of
the ratio is the metric scale. A map's scale drifts with distance, where old points leave the view
and new ones come in: a random walk in the distance travelled over the scene's depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.initialisation.scale_initialisation import (
    SCALELESS,
    certain_points,
    log_ratio,
)
from denseba_ros.slam.mapping.keyframe_depth import KNOWN_SCALE
from denseba_ros.slam.scale.height_scale import CameraMount, HeightScale
from denseba_ros.slam.scale.scale_hypotheses import DRIFT, LASTING, ScaleHypotheses
from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale

# Standard deviation of the log scale of a map that takes over the median depth of a lost one, and
# of a window that begins anew with one of the map's own keyframes.
_NEW_MAP_SIGMA, _NEW_WINDOW_SIGMA = 0.3, 0.05
# Standard deviation of the model's error that lasts; where its shape is wrong, of more: over the
# disagreement of the shapes, of which an earlier one decays at each keyframe.
_MODEL_SIGMA, _SIGMA_PER_DISAGREEMENT, _DECAY = 0.2, 2.0, 0.9


@dataclass(frozen=True)
class MapScale:
    """What is known of the map's scale: ``drift_sigma``, standard deviation of its logarithm
    against that of the start of the odometry frame, and ``metric``, against the metre."""

    drift_sigma: float = 0.0
    metric: MetricScale = UNKNOWN_SCALE


class ScaleDriftFilter:
    """Filter of the map's scale; all in logarithms."""

    def __init__(self, drift: float, mount: CameraMount | None = None) -> None:
        """``drift``: standard deviation of the change of the map's log scale while the camera
        travels the median depth. ``mount``: where the camera is known to be over the ground."""
        self._drift = drift
        self._height = None if mount is None else HeightScale(mount, drift)
        self.reset()

    @property
    def scale(self) -> MapScale:
        """What is known now."""
        if self._height is None or not self._height.scale.is_known:
            return self._known
        metric, by_height = self._known.metric, self._height.scale
        metric = metric.fused(by_height) if metric.is_known else by_height
        return replace(self._known, metric=metric)

    def reset(self) -> None:
        """A new odometry frame: the first map's scale is its unit, without a deviation."""
        self._hypotheses = ScaleHypotheses()
        self._disagreement: float | None = None
        self._known = MapScale()
        if self._height is not None:
            self._height.reset()

    def begin_map(self) -> None:
        """Another map in the same odometry frame, whose scale is known roughly. The model's error
        stays what it was: it tells the new map's scale."""
        lasting = self._hypotheses.mean(LASTING)
        self._restart(math.hypot(_NEW_MAP_SIGMA, lasting))

    def begin_metric(self, frame: FrontendFrame) -> None:
        """The map is the measured depth of ``frame`` alone."""
        self._hypotheses.set_drift_sigma(0.0)
        self._known = MapScale(0.0, MetricScale(0.0, frame.median_depth_sigma))

    def begin_window(self) -> None:
        """The window begins anew with a keyframe of the map."""
        self._restart(_NEW_WINDOW_SIGMA)

    @property
    def is_metric(self) -> bool:
        """Whether the map's unit is the metre by measured depth: its prior holds the map to it."""
        return self._known.metric.sigma < KNOWN_SCALE

    def log_correction(
        self, camera: Pinhole, keyframes: list[WindowKeyframe], frame: FrontendFrame
    ) -> float:
        """Logarithm of the factor by which the map is estimated to have shrunk.

        ``keyframes``: after bundle adjustment, oldest first; ``frame``: of the newest, with the
        model's depth. The caller applies the correction. Zero for models without a scale, and for
        those that are a prior of every point already, once the map's unit is the metre.
        """
        correction = self._by_model(keyframes, frame)
        if self._height is not None:
            self._height.update(camera, keyframes, _travel(keyframes))
            self._height.rescale(correction)
        return correction

    def _by_model(self, keyframes: list[WindowKeyframe], frame: FrontendFrame) -> float:
        sigma = frame.median_depth_sigma
        if sigma < KNOWN_SCALE:
            return self._take_metres(keyframes[-1], frame)
        travel = _travel(keyframes)
        is_metric = sigma < SCALELESS
        ratio = log_ratio(keyframes[-1], frame.log_depth[0, 0]) if is_metric else None
        if ratio is None:
            self._predict(travel, self._disagreement or 0.0)
            if not is_metric and self._disagreement is None and not self._known.metric.is_known:
                unknown = sigma >= UNKNOWN_DEPTH_SIGMA
                metric = UNKNOWN_SCALE if unknown else MetricScale(0.0, sigma)
                self._known = replace(self._known, metric=metric)
            return 0.0
        measured, disagreement = (float(x) for x in ratio)
        return self.update(measured, disagreement, travel)

    def _take_metres(self, keyframe: WindowKeyframe, frame: FrontendFrame) -> float:
        """Measured depth: where the map is not metric it becomes so."""
        ratio = None if self.is_metric else log_ratio(keyframe, frame.log_depth[0, 0])
        self.begin_metric(frame)
        return 0.0 if ratio is None else float(ratio[0])

    def update(self, measured: float, disagreement: float, travel: float) -> float:
        """One filter step; returns the correction of the log scale.

        Args:
            measured: log(model's depth / map's depth) at a new keyframe.
            disagreement: median absolute deviation of that log ratio over the points.
            travel: distance from the keyframe before, over the median depth.
        """
        before = disagreement if self._disagreement is None else self._disagreement
        self._disagreement = _DECAY * before + (1.0 - _DECAY) * disagreement
        self._predict(travel, disagreement)
        self._hypotheses.update(measured, disagreement)
        correction = self._hypotheses.mean(DRIFT) if self._drift else 0.0
        self._hypotheses.correct_drift(correction)
        self._known = MapScale(self._drift_sigma, self._metric(self._disagreement))
        return correction

    def _predict(self, travel: float, disagreement: float) -> None:
        self._hypotheses.predict(travel, self._drift**2 * travel, disagreement)
        metric = self._known.metric
        if self._disagreement is None and metric.is_known:
            # Nothing but measured depth has told it, and that was some way before.
            metric = replace(metric, sigma=math.hypot(metric.sigma, self._drift * travel**0.5))
        self._known = MapScale(self._drift_sigma, metric)

    @property
    def _drift_sigma(self) -> float:
        return math.sqrt(self._hypotheses.variance(DRIFT))

    def _restart(self, drift_sigma: float) -> None:
        if self._height is not None:
            self._height.reset()
        self._hypotheses.set_drift_sigma(drift_sigma)
        metric = self._known.metric
        if self._disagreement is None and metric.is_known:
            metric = replace(metric, sigma=math.hypot(metric.sigma, drift_sigma))
        self._known = MapScale(drift_sigma, metric)

    def _metric(self, disagreement: float) -> MetricScale:
        """By the model, whose own lasting error no image tells."""
        variance = self._hypotheses.variance(LASTING) + _MODEL_SIGMA**2
        variance += (_SIGMA_PER_DISAGREEMENT * disagreement) ** 2
        return MetricScale(self._hypotheses.mean(LASTING), math.sqrt(variance))


def _travel(keyframes: list[WindowKeyframe]) -> float:
    """Distance from the last keyframe to the newest over the median depth of its certain points."""
    if len(keyframes) < 2:
        return 0.0
    last, newest = keyframes[-2:]
    certain = certain_points(newest)
    if not bool(certain.any()):
        return 0.0
    step = (newest.T @ se3.inverse(last.T))[:3, 3].norm()
    return float(step * newest.points.inverse_depth[certain].median())
