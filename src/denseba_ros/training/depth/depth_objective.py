"""The training objective of the depth network: the loss of a batch over all scales."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.frontend.depth.depth_network import DepthOutput
from denseba_ros.training.common.photometric_losses import (
    auto_mask,
    brightness_adapted,
    fitted_brightness,
    masked_mean,
    minimum_reprojection,
    photometric_error,
    warp,
)
from denseba_ros.training.depth.depth_batch import DepthBatch
from denseba_ros.training.depth.depth_losses import (
    MeasuredLoss,
    Supervision,
    berhu,
    laplace,
    scale_invariant,
    smoothness,
    supervised,
)

# Range of depth in the losses, metres: beyond it an image has no information on depth.
_NEAREST, _FURTHEST = 0.1, 100.0


@dataclass(frozen=True)
class Objective:
    """Weights of the terms. ``photometric_scales``: number of the finest outputs that are warped.

    Together with a likelihood, whose gradient is 1 / scale per log-depth, ``photometric`` must be
    about 50 to have an effect: photometric errors are about 0.05 and change little with depth.

    ``measured`` is the loss of a measured depth (LiDAR, depth camera): the likelihood of its
    logarithm, or ``berhu`` of its metres. With ``berhu`` the deviation is learnt with weight
    ``uncertainty``, by a likelihood that does not move the depth.
    """

    supervision: Supervision = "hints"
    photometric_scales: int = 4
    photometric: float = 1.0
    smoothness: float = 1e-3
    shape: float = 0.5
    uncertainty: float = 0.0
    measured: MeasuredLoss = "laplace"


def batch_loss(outputs: list[DepthOutput], batch: DepthBatch, objective: Objective) -> Tensor:
    """Mean over the scales of the loss of one batch, every scale at the size of the image."""
    total = batch.image.new_zeros(())
    depth_of_hint = _hint_error(batch) if not batch.measured else None
    for scale, output in enumerate(outputs):
        size = batch.image.shape[-2:]
        log_depth = F.interpolate(output.log_depth, size, mode="bilinear")
        log_sigma = F.interpolate(output.log_sigma, size, mode="bilinear")
        if depth_of_hint is None:
            loss = measured_loss(log_depth, log_sigma, batch.depth, objective)
        else:
            warped = scale < objective.photometric_scales
            loss = _guessed_loss(log_depth, log_sigma, batch, depth_of_hint, objective, warped)
        disparity = torch.exp(-log_depth)
        total = total + loss
        total = total + objective.smoothness / (1 << scale) * smoothness(disparity, batch.image)
    return total / len(outputs)


def measured_loss(
    log_depth: Tensor, log_sigma: Tensor, depth: Tensor, objective: Objective
) -> Tensor:
    """Loss of a measured depth by ``objective.measured``, plus the scale-invariant loss.

    All (B, 1, H, W): ``log_depth`` and ``log_sigma`` predicted, ``depth`` metres, 0 = unknown.
    A scalar.
    """
    known = (depth > _NEAREST) & (depth < _FURTHEST)
    if objective.measured == "berhu":
        predicted = torch.exp(log_depth).clamp(_NEAREST, _FURTHEST)
        loss = masked_mean(berhu(predicted, depth, known), known)
        if objective.uncertainty > 0.0:
            likelihood = laplace(log_depth.detach(), log_sigma, depth)
            loss = loss + objective.uncertainty * masked_mean(likelihood, known)
    else:
        loss = masked_mean(laplace(log_depth, log_sigma, depth), known)
    return loss + objective.shape * scale_invariant(log_depth, depth, known)


def _guessed_loss(
    log_depth: Tensor,
    log_sigma: Tensor,
    batch: DepthBatch,
    hint_error: Tensor,
    objective: Objective,
    warped: bool,
) -> Tensor:
    """Loss of one output where depth is a hint or unknown; ``warped``: with reprojection."""
    hint = torch.where((batch.depth > _NEAREST) & (batch.depth < _FURTHEST), batch.depth, 0.0)
    depth = torch.exp(log_depth).clamp(_NEAREST, _FURTHEST)
    if warped:
        error, counted = reprojection(depth, batch)
    else:
        error, counted = torch.full_like(depth, float("inf")), depth < 0
    likelihood = laplace(log_depth, log_sigma, hint)
    mode = objective.supervision
    if not warped and mode in ("hints", "none"):
        return log_depth.sum() * 0.0
    weight = objective.photometric
    loss = supervised(mode, error, counted, depth, hint, hint_error, likelihood, weight)
    if objective.uncertainty > 0.0:
        # Only the deviation is trained by this term, not the depth.
        sigma_loss = laplace(log_depth.detach(), log_sigma, hint)
        loss = loss + objective.uncertainty * masked_mean(sigma_loss, hint > 0)
    if mode == "uncertainty":
        loss = loss + objective.shape * scale_invariant(log_depth, hint, hint > 0)
    return loss


def reprojection(depth: Tensor, batch: DepthBatch) -> tuple[Tensor, Tensor]:
    """l_r (B, 1, H, W): the least photometric error over the views, infinite where no view shows
    the pixel; and the auto-mask (B, 1, H, W) bool. ``depth`` (B, 1, H, W) metres."""
    errors, visible, unwarped = [], [], []
    for k in range(batch.views.shape[1]):
        view, K = batch.views[:, k], batch.view_intrinsics[:, k]
        warped, inside, _ = warp(view, depth, batch.intrinsics, K, batch.T_view_image[:, k])
        affine = fitted_brightness(batch.image, warped, inside)
        errors.append(photometric_error(batch.image, brightness_adapted(warped, affine)))
        visible.append(inside)
        still = _without_motion(view, batch, k)
        unwarped.append(photometric_error(batch.image, still))
    if not errors:
        return torch.full_like(depth, float("inf")), torch.zeros_like(depth, dtype=torch.bool)
    error = minimum_reprojection(errors, visible)
    return error, auto_mask(error, torch.stack(unwarped).min(0).values)


def _without_motion(view: Tensor, batch: DepthBatch, k: int) -> Tensor:
    """The other view warped without its translation: the rotation of the crop only."""
    still = batch.T_view_image[:, k].clone()
    still[:, :3, 3] = 0.0
    far = torch.ones_like(batch.image)
    return warp(view, far, batch.intrinsics, batch.view_intrinsics[:, k], still)[0]


@torch.no_grad()
def _hint_error(batch: DepthBatch) -> Tensor:
    """l_r(h) (B, 1, H, W), infinite without a hint."""
    depth = batch.depth.clamp(_NEAREST, _FURTHEST)
    return reprojection(depth, batch)[0].masked_fill(batch.depth <= 0, float("inf"))
