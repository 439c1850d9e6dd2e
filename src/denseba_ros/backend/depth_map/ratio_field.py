"""Dense inverse depth as a network's shape times a smooth field of ratios.

Where the network is wrong, it is wrong over whole surfaces: the ratio of the points to it is
smoother than the depth itself. So log(points / network) is spread over the image by the edge-aware
smoothness of ``depth_map``, and points do not stand out of the surface around them. How smooth the
field is follows from how far the ratios spread: a network that is right everywhere averages the
noise of the points, one that is wrong gives way to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import SMOOTHNESS, UNKNOWN, box_mean, push_pull, relax
from denseba_ros.backend.depth_map.ratio_field_loops import fill_ratios as fill_ratios_cpu
from denseba_ros.parallel import parallel_for


@dataclass(frozen=True)
class RatioScales:
    """Constants of the field.

    Attributes:
        smoothness: weight of smoothness against an exact point, where ratios spread as usual.
        least_edge: of the smoothness over an edge of brightness; the ratio seldom has a step there.
        usual_variance: of the log ratio; with less the field is the smoother.
        counts_as: so many points the usual variance counts as, where there are few.
        least_share: of the points' weight, where the network is as good as exact.
        prior_weight: of the image's variance in that of a place.
        floor: share of the network's variance that stays at the points: they know nothing of what
            lies beside them.
        sweeps: of the relaxation.
        block: cells of the squares over which a place's variance is taken.
    """

    smoothness: float = SMOOTHNESS
    least_edge: float = 0.1
    usual_variance: float = 0.2**2
    counts_as: float = 10.0
    least_share: float = 0.05
    prior_weight: float = 20.0
    floor: float = 0.4**2
    sweeps: int = 15
    block: int = 16

    def floats(self) -> np.ndarray:
        """All but the counts, (8,) float32 with ``UNKNOWN`` last."""
        values = (
            *(self.smoothness, self.least_edge, self.usual_variance, self.counts_as),
            *(self.least_share, self.prior_weight, self.floor, UNKNOWN),
        )
        return np.array(values, np.float32)

    def counts(self) -> np.ndarray:
        """Sweeps and block, (2,) int64."""
        return np.array([self.sweeps, self.block], np.int64)


_SCALES: Final = RatioScales()


def fill_ratios(value: Tensor, weight: Tensor, edges: Tensor, network: Tensor) -> Tensor:
    """Depth maps (..., 2, h, w) from scattered inverse depths (..., h, w) with weights (..., h, w),
    0 = none, ``edges`` (..., 2, h, w) and ``network`` (..., 2, h, w): inverse depth at any scale,
    and its relative deviation.

    Channel 0 is the inverse depth everywhere; channel 1 its relative deviation. It grows with the
    distance from points up to that of the network's shape: as the ratios around spread, and as the
    network itself tells one pixel from another.
    """
    shape = edges.shape
    value, weight = value.reshape(-1, *shape[-2:]), weight.reshape(-1, *shape[-2:])
    edges, network = edges.reshape(-1, *shape[-3:]), network.reshape(-1, *shape[-3:])
    if value.device.type == "cpu" and value.dtype == torch.float32:
        filled = torch.empty_like(edges, memory_format=torch.contiguous_format)
        arrays = (part.contiguous().numpy() for part in (value, weight, edges, network))
        scales = (_SCALES.floats(), _SCALES.counts())
        parallel_for(fill_ratios_cpu, len(value), *arrays, *scales, filled.numpy())
        return filled.reshape(shape)
    return fill_ratios_torch(value, weight, edges, network).reshape(shape)


def fill_ratios_torch(value: Tensor, weight: Tensor, edges: Tensor, network: Tensor) -> Tensor:
    """What ``ratio_field_loops.fill_ratios`` does, on any device: (K, 2, h, w) from (K, h, w) twice
    and (K, 2, h, w) twice."""
    s, (depth, sigma) = _SCALES, network.unbind(1)
    is_known = weight > 0
    ratio = (value / depth.clamp(min=1e-6)).clamp(min=1e-6).log()
    ratio = torch.where(is_known, ratio, torch.zeros_like(ratio))
    median, variance = _centre(ratio, is_known)
    share = (variance / s.usual_variance).clamp(s.least_share, 1.0)
    start, support = push_pull(ratio, share * weight)
    smooth = torch.where(edges > 0, edges.clamp(min=s.least_edge), edges)
    field = relax(start, ratio, share * weight, smooth, s.sweeps)
    error = weight * (ratio - field) ** 2
    near, around = box_mean(torch.stack([weight, error]))
    relative = sigma / sigma.mean((1, 2), keepdim=True)
    shape = (relative**2 * _local_variance(ratio, weight, median, variance)).clamp(min=1e-8)
    reach = share**2 * 1e-4 / support.clamp(min=1e-9)
    squared = shape * reach / (shape + reach) + s.floor * shape + around / near.clamp(min=1e-9)
    return torch.stack([depth * field.exp(), squared.sqrt().clamp(max=UNKNOWN)], 1)


def _centre(ratio: Tensor, is_known: Tensor) -> tuple[Tensor, Tensor]:
    """Median and robust variance (K, 1, 1) of the known log ratios (K, h, w)."""
    s, unknown = _SCALES, torch.full_like(ratio, torch.nan)
    known = torch.where(is_known, ratio, unknown).flatten(1)
    count = is_known.flatten(1).sum(1)[:, None]
    median = torch.nan_to_num(known.nanmedian(1, keepdim=True)[0])
    off = torch.nan_to_num((known - median).abs().nanmedian(1, keepdim=True)[0])
    robust = count * (1.4826 * off) ** 2
    variance = (robust + s.counts_as * s.usual_variance) / (count + s.counts_as)
    return median[..., None], variance[..., None]


def _local_variance(ratio: Tensor, weight: Tensor, median: Tensor, variance: Tensor) -> Tensor:
    """Mean squared distance (K, h, w) of the log ratios around from their median."""
    s, (h, w) = _SCALES, ratio.shape[1:]
    sums = torch.stack([weight, weight * (ratio - median) ** 2], 1)
    sums = F.pad(sums, (0, -w % s.block, 0, -h % s.block))
    sums = F.avg_pool2d(sums, s.block, divisor_override=1)
    near, squares = F.avg_pool2d(sums, 3, 1, 1, divisor_override=1).unbind(1)
    local = (squares + s.prior_weight * variance) / (near + s.prior_weight)
    size = (local.shape[1] * s.block, local.shape[2] * s.block)
    large = F.interpolate(local[:, None], size, mode="bilinear", align_corners=False)
    return large[:, 0, :h, :w]
