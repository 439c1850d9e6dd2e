"""Losses of the motion between two images; all are means over the pairs that are known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from denseba_ros.frontend.pose.pose_convention import motion_matrix
from denseba_ros.frontend.pose.pose_network import PoseOutput
from denseba_ros.geometry import se3

# Below this length (metres) a translation has no direction to learn.
_STILL = 1e-3
# Errors of rotations are of milliradians, those of directions of tenths.
_ROTATION = 100.0
# Share of what flow alone says of the rotation, before the memory corrects it.
_SOLVED = 0.3


def rotation_error(output: PoseOutput, T: Tensor) -> Tensor:
    """Vector (..., 3), radians, by which the rotation misses that of T (..., 4, 4)."""
    said = motion_matrix(output.quaternion, output.translation)[..., :3, :3]
    return se3.rotation_log(T[..., :3, :3].transpose(-1, -2).to(said.dtype) @ said)


def direction_loss(translation: Tensor, truth: Tensor) -> Tensor:
    """|t / max(|t|, e) - t' / max(|t'|, e)|, which one camera can know (Wang et al., TartanVO,
    CoRL 2020, eq. 3). Per pair (...)."""
    said, true = (t / t.norm(dim=-1, keepdim=True).clamp(min=_STILL) for t in (translation, truth))
    missed: Tensor = (said - true).norm(dim=-1)
    return missed


def likelihood_loss(error: Tensor, log_sigma: Tensor) -> Tensor:
    """Negative log-likelihood of a Gaussian, without its constant. Per pair (...)."""
    return (0.5 * (error * torch.exp(-log_sigma)) ** 2 + log_sigma).sum(-1)


class PoseLoss(NamedTuple):
    """``total`` to descend, a scalar, and ``rotation``, by how many radians rotations missed."""

    total: Tensor
    rotation: Tensor


def pose_loss(
    output: PoseOutput, T: Tensor, affine: Tensor, known: Tensor, metric: bool
) -> PoseLoss:
    """All terms for motions T (..., 4, 4) and brightness changes ``affine`` (..., 2).

    ``metric``: learn the length of translations as well, else their direction alone.
    """
    truth = T[..., :3, 3].to(output.translation.dtype)
    rotation = rotation_error(output, T)
    vectors = se3.rotation_log(T[..., :3, :3]).to(output.solved.dtype)
    solved = (output.solved - vectors[..., None, :]).norm(dim=-1).sum(-1)
    missed = rotation.norm(dim=-1)
    loss = _ROTATION * (missed + _SOLVED * solved)
    loss = loss + direction_loss(output.translation, truth)
    errors = [rotation]
    sigmas = [output.log_sigma[..., 3:]]
    if metric:
        short = output.translation - truth
        loss = loss + short.norm(dim=-1)
        errors.append(short)
        sigmas.append(output.log_sigma[..., :3])
    # The deviations learn beside the motion, which they must not move.
    for error, sigma in zip(errors, sigmas, strict=True):
        loss = loss + 0.01 * likelihood_loss(error.detach(), sigma)
    change = (output.affine - affine) * output.affine.new_tensor([1.0, 0.01])
    loss = loss + change.abs().sum(-1)
    return PoseLoss(_mean(loss, known), _mean(missed.detach(), known))


def _mean(values: Tensor, known: Tensor) -> Tensor:
    """Over the pairs that are known, 0 without any."""
    kept = torch.where(known, values, torch.zeros_like(values))
    return kept.sum() / known.sum().clamp(min=1)
