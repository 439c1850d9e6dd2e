"""Metric scale of a map initialised from two views: the depth model's, over certain points."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.window import Window, WindowKeyframe
from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, FrontendFrame
from denseba_ros.slam.mapping.keyframe_depth import cells_of, set_depth_prior

# Points with a larger relative standard deviation are not used for the scale.
_CERTAIN = 0.1
# A depth model with a larger standard deviation of log-depth (median) has no metric scale.
SCALELESS = 0.5


def has_metric_scale(frame: FrontendFrame) -> bool:
    """Whether the depth model's scale of this image can be used at all."""
    return frame.median_depth_sigma < SCALELESS


def initialise_scale(window: Window, log_depths: list[Tensor]) -> float:
    """Rescale a map's first keyframes about the first of them to the depth model's scale; returns
    the factor.

    ``log_depths``: the model's log-depth (h, w), log metres, one per keyframe. The factor is the
    geometric mean over the images of the median ratio over an image's points, as the model's error
    differs from image to image. It is 1 if no point is certain.
    """
    ratios = [log_ratio(k, d) for k, d in zip(window.keyframes, log_depths, strict=True)]
    medians = [None if ratio is None else ratio[0] for ratio in ratios]
    known = [median for median in medians if median is not None]
    if not known:
        return 1.0
    mean = torch.stack(known).mean()
    factor = float(torch.exp(mean))
    window.rescale(factor, about=0)
    for keyframe, log_depth, median in zip(window.keyframes, log_depths, medians, strict=True):
        own = mean if median is None else median
        # The scale error that the model has in this image is removed from its depth.
        corrected = torch.exp(own - mean - log_depth)
        keyframe.network_depth = torch.stack([corrected, keyframe.network_depth[1]])
        set_depth_prior(keyframe)
    return factor


def certain_points(keyframe: WindowKeyframe) -> Tensor:
    """(N,) bool: the points whose depth is certain enough to compare scales."""
    points = keyframe.points
    return points.valid & (points.relative_sigma < _CERTAIN) & (points.inverse_depth > 0)


def log_ratio(keyframe: WindowKeyframe, log_depth: Tensor) -> tuple[Tensor, Tensor] | None:
    """log(model's depth / map's depth) over the certain points whose depth the model knows: its
    median and the median absolute deviation from it, both scalars. ``log_depth`` (h, w), log
    metres. None without such points."""
    points = keyframe.points
    cells = cells_of(points.pixels, tuple(log_depth.shape))
    sigma = keyframe.network_depth[1, cells[:, 1], cells[:, 0]]
    certain = certain_points(keyframe) & (sigma < UNKNOWN_DEPTH_SIGMA)
    if not bool(certain.any()):
        return None
    cells = cells[certain]
    ratio: Tensor = log_depth[cells[:, 1], cells[:, 0]] + torch.log(points.inverse_depth[certain])
    median = ratio.median()
    return median, (ratio - median).abs().median()
