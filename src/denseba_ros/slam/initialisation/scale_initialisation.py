"""The scale of a map that two views have started: the depth model's, where the map is certain."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.window import Window, WindowKeyframe
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.slam.mapping.keyframe_depth import cells_of, set_depth_prior

# Points known worse than this (relative) say nothing about the scale.
_CERTAIN = 0.1
# A model vaguer than this (median deviation of its log-depth) says nothing about it either.
SCALELESS = 0.5


def has_metric_scale(frame: FrontendFrame) -> bool:
    """Whether the depth model knows anything of the scale of this image."""
    return float(frame.log_depth_sigma.median()) < SCALELESS


def initialise_scale(window: Window, log_depths: list[Tensor]) -> None:
    """Rescale a map's first keyframes about the first of them to the depth model's scale.

    ``log_depths`` (h, w) of the model, one a keyframe. Each image gives the median over its points;
    their geometric mean counts, as what the model gets wrong differs from image to image. Nothing
    changes where no point is certain.
    """
    said = [log_ratio(k, d) for k, d in zip(window.keyframes, log_depths, strict=True)]
    found = [None if one is None else one[0] for one in said]
    known = [ratio for ratio in found if ratio is not None]
    if not known:
        return
    mean = torch.stack(known).mean()
    window.rescale(float(torch.exp(mean)), about=0)
    for keyframe, log_depth, ratio in zip(window.keyframes, log_depths, found, strict=True):
        own = mean if ratio is None else ratio
        # What is left of the model's error in this image is taken off its depth.
        keyframe.network_depth[0] = torch.exp(own - mean - log_depth)
        set_depth_prior(keyframe)


def certain_points(keyframe: WindowKeyframe) -> Tensor:
    """Mask (N,) of the points whose depth says something of the scale."""
    points = keyframe.points
    return points.valid & (points.relative_sigma < _CERTAIN) & (points.inverse_depth > 0)


def log_ratio(keyframe: WindowKeyframe, log_depth: Tensor) -> tuple[Tensor, Tensor] | None:
    """log(model's depth / map's depth) over the certain points: its median and the median deviation
    from that, which the shapes disagree by. None without any certain point."""
    points, certain = keyframe.points, certain_points(keyframe)
    if not bool(certain.any()):
        return None
    cells = cells_of(points.pixels[certain], tuple(log_depth.shape))
    ratio: Tensor = log_depth[cells[:, 1], cells[:, 0]] + torch.log(points.inverse_depth[certain])
    median = ratio.median()
    return median, (ratio - median).abs().median()
