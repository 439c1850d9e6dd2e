"""The dense depth beside what it is made of: is it better than the network and the points alone?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from denseba_ros.backend.depth_map.depth_map import edge_weights, fill
from denseba_ros.evaluation.depth.depth_comparison import SampledDepth, sample_at_truth
from denseba_ros.evaluation.depth.depth_metrics import depth_errors, median_scale
from denseba_ros.evaluation.depth.uncertainty_metrics import sparsification_area
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import DepthParts

# Cells with a larger relative deviation count as unknown.
_KNOWN = 0.3
# Errors are cut there before they are ordered by deviation: one cell must not be the whole curve.
_LARGEST_ERROR = 2.0


@dataclass
class _Source:
    """Figures of one source, one entry for each keyframe."""

    abs_rel: list[float] = field(default_factory=list)
    abs_rel_median_scaled: list[float] = field(default_factory=list)
    share_known: list[float] = field(default_factory=list)
    ause: list[float] = field(default_factory=list)


@dataclass
class SourcesReport:
    """Errors of the fused depth, of the network alone and of the points alone, over all pixels with
    a true depth, certain or not.

    The points alone are joined by the same smoothness without a network. ``trajectory_scale`` is
    the factor of the path's Sim(3) alignment.
    """

    trajectory_scale: float
    sources: dict[str, _Source] = field(default_factory=dict)

    def add(
        self,
        parts: DepthParts,
        image: np.ndarray,
        camera: Calibration,
        truth: np.ndarray,
        truth_camera: Calibration,
    ) -> None:
        """Add one keyframe: its ``image`` (h, w) uint8 and ``camera`` on the grid of ``parts``;
        ``truth`` (H, W) metres, NaN = unknown."""
        fused = np.stack([parts.inverse_depth, parts.relative_sigma])
        network = np.stack([parts.network, np.zeros_like(parts.network)])
        for name, grid in (
            ("fused", fused),
            ("network", network),
            ("points", points_alone(parts, image)),
        ):
            depth = 1.0 / np.maximum(grid[0].astype(np.float64), 1e-6)
            sampled = sample_at_truth(depth, camera, truth, truth_camera)
            if len(sampled.truth):
                self._count(self.sources.setdefault(name, _Source()), sampled, grid[1])

    def _count(self, source: _Source, sampled: SampledDepth, sigma: np.ndarray) -> None:
        estimate, truth = sampled.estimate, sampled.truth
        at = sigma[sampled.rows, sampled.columns].astype(np.float64)
        source.abs_rel.append(depth_errors(estimate, truth, self.trajectory_scale).abs_rel)
        scale = median_scale(estimate, truth)
        source.abs_rel_median_scaled.append(depth_errors(estimate, truth, scale).abs_rel)
        source.share_known.append(float((at < _KNOWN).mean()))
        error = np.abs(estimate * scale - truth) / truth
        source.ause.append(sparsification_area(np.minimum(error, _LARGEST_ERROR), at))

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Means over the keyframes by source. The network states no deviation here."""
        report = {
            name: {key: float(np.mean(values)) for key, values in vars(source).items()}
            for name, source in self.sources.items()
        }
        for key in ("share_known", "ause"):
            report.get("network", {}).pop(key, None)
        return report


def points_alone(parts: DepthParts, image: np.ndarray) -> np.ndarray:
    """Inverse depth and relative deviation (2, h, w) between the points without a network;
    ``image`` (h, w) uint8."""
    edges = edge_weights(torch.from_numpy(image.astype(np.float32)))
    points, weight = torch.from_numpy(parts.points), torch.from_numpy(parts.point_weight)
    return np.asarray(fill(points, weight, edges).numpy())
