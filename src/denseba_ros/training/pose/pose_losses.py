"""Losses of the motion between two images; all are means over the known pairs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from denseba_ros.frontend.pose.pose_convention import motion_matrix
from denseba_ros.frontend.pose.pose_network import PoseOutput
from denseba_ros.geometry import se3

# Below this length (metres) a translation has no direction.
_STILL = 1e-3
# Weight of rotation errors, which are milliradians, while those of directions are about 0.1.
_ROTATION = 100.0
# Weight of the rotation from flow alone, before the LSTM corrects it.
_SOLVED = 0.3


def rotation_error(output: PoseOutput, T: Tensor) -> Tensor:
    """Rotation vector (..., 3), radians, of the error against T_previous_current (..., 4, 4)."""
    R = motion_matrix(output.quaternion, output.translation)[..., :3, :3]
    return se3.rotation_log(T[..., :3, :3].transpose(-1, -2).to(R.dtype) @ R)


def direction_loss(translation: Tensor, truth: Tensor) -> Tensor:
    """|t / max(|t|, e) - t' / max(|t'|, e)| of translations (..., 3), which does not depend on the
    unknown scale (Wang et al., TartanVO, CoRL 2020, eq. 3). Per pair (...)."""
    t, u = (t / t.norm(dim=-1, keepdim=True).clamp(min=_STILL) for t in (translation, truth))
    loss: Tensor = (t - u).norm(dim=-1)
    return loss


def likelihood_loss(error: Tensor, log_sigma: Tensor) -> Tensor:
    """Negative log-likelihood of errors (..., D) of a Gaussian, no constant. Per pair (...)."""
    return (0.5 * (error * torch.exp(-log_sigma)) ** 2 + log_sigma).sum(-1)


class PoseLoss(NamedTuple):
    """``total`` loss, a scalar, and ``rotation``, the mean rotation error in radians."""

    total: Tensor
    rotation: Tensor


def pose_loss(
    output: PoseOutput, T: Tensor, affine: Tensor, known: Tensor, metric: bool
) -> PoseLoss:
    """All terms for motions ``T`` (..., 4, 4) T_previous_current and brightness changes ``affine``
    (..., 2), over the ``known`` (...) pairs.

    ``metric``: with the length of translations, else their direction only.
    """
    truth = T[..., :3, 3].to(output.translation.dtype)
    rotation = rotation_error(output, T)
    vectors = se3.rotation_log(T[..., :3, :3]).to(output.solved.dtype)
    solved = (output.solved - vectors[..., None, :]).norm(dim=-1).sum(-1)
    angle = rotation.norm(dim=-1)
    loss = _ROTATION * (angle + _SOLVED * solved)
    loss = loss + direction_loss(output.translation, truth)
    errors = [rotation]
    sigmas = [output.log_sigma[..., 3:]]
    if metric:
        translation = output.translation - truth
        loss = loss + translation.norm(dim=-1)
        errors.append(translation)
        sigmas.append(output.log_sigma[..., :3])
    # Only the deviations are trained by this term, not the motion.
    for error, sigma in zip(errors, sigmas, strict=True):
        loss = loss + 0.01 * likelihood_loss(error.detach(), sigma)
    change = (output.affine - affine) * output.affine.new_tensor([1.0, 0.01])
    loss = loss + change.abs().sum(-1)
    return PoseLoss(_mean(loss, known), _mean(angle.detach(), known))


def _mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean over the known pairs, 0 without any."""
    kept = torch.where(known, values, torch.zeros_like(values))
    return kept.sum() / known.sum().clamp(min=1)
