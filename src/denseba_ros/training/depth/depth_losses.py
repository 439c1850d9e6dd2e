"""Losses of depth against measured depth or stereo hints, and smoothness.

Depth is (B, 1, H, W) in metres, losses are per pixel (B, 1, H, W) unless documented otherwise.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from denseba_ros.training.common.photometric_losses import masked_mean

Supervision = Literal["none", "hard", "sum", "hints", "uncertainty"]
SUPERVISIONS: tuple[Supervision, ...] = get_args(Supervision)
MeasuredLoss = Literal["laplace", "berhu"]
MEASURED_LOSSES: tuple[MeasuredLoss, ...] = get_args(MeasuredLoss)

# Threshold of berHu, as a share of the largest error of the batch.
_BERHU_SHARE = 0.2


def log_l1(depth: Tensor, target: Tensor) -> Tensor:
    """log(1 + |d - h|) (Watson et al., "Self-supervised monocular depth hints", ICCV 2019)."""
    return torch.log1p((depth - target).abs())


def berhu(depth: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Reverse Huber loss of x = depth - target: |x| up to c, (x^2 + c^2) / 2c beyond.

    c is a fifth of the largest |x| of the batch (Laina, Rupprecht, Belagiannis, Tombari, Navab,
    "Deeper depth prediction with fully convolutional residual networks", 3DV 2016, equation 1).
    ``depth`` and ``target`` (B, 1, H, W) metres, ``known`` bool; zero where not ``known``.
    """
    x = torch.where(known, (depth - target).abs(), torch.zeros_like(depth))
    c = (_BERHU_SHARE * x.detach().max()).clamp(min=1e-6)
    return torch.where(x <= c, x, (x * x + c * c) / (2 * c))


def laplace(log_depth: Tensor, log_sigma: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood |log d - log h| / b + log b of a Laplace distribution with scale b
    (Kendall, Gal, "What uncertainties do we need", NeurIPS 2017)."""
    error = (log_depth - torch.log(target.clamp(min=1e-3))).abs()
    return error * torch.exp(-log_sigma) + log_sigma


def scale_invariant(log_depth: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean |e - median(e)| over the ``known`` pixels of each image, e = log d - log h: the shape
    without the scale (after Eigen et al., NeurIPS 2014, with medians as in Ranftl et al., MiDaS,
    2020). A scalar."""
    e = log_depth - torch.log(target.clamp(min=1e-3))
    e = torch.where(known, e, torch.full_like(e, float("nan"))).flatten(1)
    shape = (e - e.nanmedian(1, keepdim=True).values).abs().nanmean(1)
    return torch.nan_to_num(shape).mean()


def smoothness(inverse_depth: Tensor, image: Tensor) -> Tensor:
    """Mean of |d disparity| exp(-|d image|), the disparity divided by its mean (Godard et al.,
    monodepth2, ICCV 2019, eq. 3); image grey 0-255. A scalar."""
    d = inverse_depth / inverse_depth.mean((2, 3), keepdim=True).clamp(min=1e-7)
    grey = image / 255.0
    total = d.new_zeros(())
    for axis in (2, 3):
        step = d.diff(dim=axis).abs()
        edge = grey.diff(dim=axis).abs()
        total = total + (step * torch.exp(-edge)).mean()
    return total


def supervised(
    mode: Supervision,
    reprojection: Tensor,
    counted: Tensor,
    depth: Tensor,
    hint: Tensor,
    hint_reprojection: Tensor,
    likelihood: Tensor,
    photometric: float = 1.0,
) -> Tensor:
    """Combination of the photometric loss and a depth ``hint`` (0 = none). A scalar.

    ``reprojection`` l_r(d) and ``hint_reprojection`` l_r(h), infinite where no view shows the
    pixel; ``counted`` bool: where l_r(d) is part of the loss (auto-mask); ``likelihood`` is
    ``laplace`` against the hint; ``photometric`` is the weight of l_r(d).

    none: l_r(d), plain self-supervision. hard: log(1 + |d - h|) wherever there is a hint.
    sum: both everywhere. hints: l_r(d) + log(1 + |d - h|) only where l_r(h) < l_r(d), otherwise
    l_r(d) (Watson et al., ICCV 2019, eq. 5). uncertainty: l_r(d) + ``likelihood``.
    """
    has_hint = hint > 0
    if mode == "hard":
        return masked_mean(log_l1(depth, hint), has_hint)
    used = counted & torch.isfinite(reprojection)
    total = photometric * masked_mean(reprojection, used)
    if mode == "uncertainty":
        return total + masked_mean(likelihood, has_hint)
    if mode == "sum":
        return total + masked_mean(log_l1(depth, hint), has_hint)
    if mode == "hints":
        better = has_hint & (hint_reprojection < reprojection)
        # Divided by the number of all pixels, as in the equation, which adds it per pixel.
        extra = torch.where(better, log_l1(depth, hint), torch.zeros_like(depth))
        return total + extra.mean()
    return total
