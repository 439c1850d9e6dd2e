"""Report of the keyframes' depth of a run against ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from denseba_ros.evaluation.depth.depth_comparison import SampledDepth, sample_at_truth
from denseba_ros.evaluation.depth.depth_metrics import (
    DepthErrors,
    depth_errors,
    mean_errors,
    median_ratio,
    median_scale,
)
from denseba_ros.geometry.calibration import Calibration

TEXTURED_GRADIENT = 5.0
"""A pixel is textured where its grey value changes by this much per pixel of the depth grid."""
_MIN_PIXELS = 30


@dataclass
class DepthReport:
    """Collects the errors of one keyframe after the other.

    ``trajectory_scale`` is the factor of the trajectory's Sim(3) alignment; "median_scaled" uses a
    factor for each keyframe, as is usual. "before_adjustment" and "after_adjustment" are
    median-scaled too, over the same pixels of the same keyframes.
    """

    trajectory_scale: float
    errors: dict[str, list[DepthErrors]] = field(default_factory=dict)
    scales: list[float] = field(default_factory=list)
    rays_with_truth: int = 0
    rays_known: int = 0
    too_few: int = 0

    def add(
        self,
        depth: np.ndarray,
        camera: Calibration,
        truth: np.ndarray,
        truth_camera: Calibration,
        image: np.ndarray | None,
        first: np.ndarray | None = None,
    ) -> bool:
        """Add the errors of one keyframe; False with too few common pixels.

        Args:
            depth: (h, w) metres, NaN = unknown.
            camera: of ``depth``.
            truth: (H, W) metres, NaN = unknown.
            truth_camera: of ``truth``.
            image: (h, w) uint8, for the errors of textured pixels, or None.
            first: (h, w) metres, the depth before bundle adjustment, or None.
        """
        sampled = sample_at_truth(depth, camera, truth, truth_camera)
        self.rays_with_truth += sampled.rays_with_truth
        self.rays_known += len(sampled.truth)
        if len(sampled.truth) < _MIN_PIXELS:
            self.too_few += 1
            return False
        scale = median_scale(sampled.estimate, sampled.truth)
        self.scales.append(median_ratio(sampled.estimate, sampled.truth))
        for name, factor in self._factors(scale).items():
            self._count(name, depth_errors(sampled.estimate, sampled.truth, factor))
        if image is not None:
            self._add_textured(sampled, image, scale)
        if first is not None:
            self._add_first(sampled, first)
        return True

    def _factors(self, scale: float) -> dict[str, float]:
        return {
            "unscaled": 1.0,
            "trajectory_scaled": self.trajectory_scale,
            "median_scaled": scale,
        }

    def _add_textured(self, sampled: SampledDepth, image: np.ndarray, scale: float) -> None:
        textured = gradient(image)[sampled.rows, sampled.columns] >= TEXTURED_GRADIENT
        if textured.sum() < _MIN_PIXELS:
            return
        estimate, truth = sampled.estimate[textured], sampled.truth[textured]
        for name, factor in self._factors(scale).items():
            self._count(f"textured_{name}", depth_errors(estimate, truth, factor))

    def _add_first(self, sampled: SampledDepth, first: np.ndarray) -> None:
        """Errors before and after bundle adjustment, where both depths are known."""
        before = first[sampled.rows, sampled.columns]
        known = np.isfinite(before) & (before > 0)
        if known.sum() < _MIN_PIXELS:
            return
        truth = sampled.truth[known]
        both = {"before_adjustment": before[known], "after_adjustment": sampled.estimate[known]}
        for name, depth in both.items():
            self._count(name, depth_errors(depth, truth, median_scale(depth, truth)))

    def _count(self, name: str, errors: DepthErrors) -> None:
        self.errors.setdefault(name, []).append(errors)

    def as_dict(self) -> dict[str, object]:
        """Means over keyframes for each scaling, and the spread of the scale over keyframes."""
        rays = self.rays_with_truth
        return {
            "keyframes_compared": len(self.scales),
            "keyframes_with_too_few_pixels": self.too_few,
            "share_of_true_pixels_estimated": self.rays_known / rays if rays else 0.0,
            "textured_gradient": TEXTURED_GRADIENT,
            "trajectory_scale": self.trajectory_scale,
            **{name: mean_errors(errors) for name, errors in self.errors.items()},
            "truth_over_estimate_per_keyframe": scale_spread(self.scales),
        }


def scale_spread(scales: list[float]) -> dict[str, float] | None:
    """Median, 5th and 95th percentile and standard deviation of the log; None without scales."""
    if not scales:
        return None
    low, middle, high = np.percentile(scales, [5, 50, 95])
    return {
        "median": float(middle),
        "p5": float(low),
        "p95": float(high),
        "std_of_log": float(np.std(np.log(scales))),
    }


def gradient(image: np.ndarray) -> np.ndarray:
    """Magnitude (h, w) of the gradient of ``image`` (h, w), grey levels per pixel."""
    dy, dx = np.gradient(image.astype(np.float64))
    return np.asarray(np.hypot(dx, dy))
