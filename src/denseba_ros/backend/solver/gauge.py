"""The seven gauge freedoms of the window (a similarity of the world), projected out of a step.

Translating, rotating and scaling the world with all keyframes in it changes no residual. What a
step holds of that comes from first-estimate Jacobians, and adds up: the further the window drifts
from where its prior was linearised, the less that prior fits. The published implementation of DSO
(Engel, Koltun, Cremers, "Direct sparse odometry", PAMI 2018) keeps its steps orthogonal to the
same null space.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.geometry import se3

# With fewer frames in the prior than this, nothing is projected out.
_MIN_PRIOR_FRAMES = 3
# A prior of the depths this sharp (one over its squared relative deviation) fixes the scale.
_METRIC_SHARPNESS = 20.0
# Least size of the window that lengths are compared with, over the mean inverse depth.
_MIN_SIZE = 0.005
# The same where a gyroscope tells rotations: steps of positions, which are noise while the camera
# turns, say less of a rotation of the world than those of the rotations themselves.
_MIN_SIZE_OF_KNOWN_TURNS = 0.5


def project_out_gauge(
    problem: Problem, variables: Variables, frames: Tensor, depths: Tensor
) -> tuple[Tensor, Tensor]:
    """The steps less the similarity of the world that best explains those of the prior's frames.

    Args:
        problem: tells the frames of the prior (``uses_first_estimate``) and the depths' prior,
            which may fix the scale.
        variables: where the steps begin.
        frames: (K, 8) float64 steps of the frames, poses on the left of T_camera_world.
        depths: (G, N) steps of the inverse depths.

    Returns:
        Both steps with the same shapes and dtypes. Nothing here waits for the device.
    """
    held = problem.uses_first_estimate.to(frames.dtype)
    near = (variables.inverse_depth * problem.valid).sum() / problem.valid.sum().clamp(min=1)
    least = _MIN_SIZE if problem.rotation_links is None else _MIN_SIZE_OF_KNOWN_TURNS
    directions, units = gauge_directions(variables.T, held, least / near.clamp(min=1e-6))
    A = directions * (units * held[:, None])[..., None]
    A = A.flatten(0, 1)
    y = (frames[:, :6] * units * held[:, None]).flatten()
    normal = A.T @ A
    scale = normal.diagonal().clamp(min=1e-12).rsqrt()
    eye = torch.eye(7, dtype=A.dtype, device=A.device)
    factor, info = torch.linalg.cholesky_ex(normal * scale[:, None] * scale[None] + 1e-9 * eye)
    similarity = torch.cholesky_solve((scale * (A.T @ y))[:, None], factor)[:, 0] * scale
    usable = (held.sum() >= _MIN_PRIOR_FRAMES) & (info == 0)
    similarity = torch.where(usable, similarity, torch.zeros_like(similarity))
    similarity = torch.cat([similarity[:6], similarity[6:] * ~_has_metric_scale(problem)])
    projected = frames.clone()
    projected[:, :6] -= directions @ similarity
    # In a world that grows, inverse depths shrink: taking the growth off a step adds it here.
    return projected, depths + (similarity[6] * variables.inverse_depth).to(depths.dtype)


def gauge_directions(
    T: Tensor, held: Tensor, min_size: Tensor | float = 1e-6
) -> tuple[Tensor, Tensor]:
    """What a similarity of the world does to the frames, about the middle of the ``held`` ones.

    Args:
        T: (K, 4, 4) float64 T_camera_world.
        held: (K,) float64, one for the frames of the prior, zero for the others.
        min_size: of the window, where its frames are closer together: when the camera turns on the
            spot, translations are noise, and say nothing about a rotation of the world.

    Returns:
        Directions (K, 6, 7): left steps (translation, rotation) of each frame when the world is
        translated, rotated and grown, per unit of each; and units (K, 6) that make lengths and
        angles comparable: one over the size of the window, and one.
    """
    centres = -(T[:, :3, :3].mT @ T[:, :3, 3:])[..., 0]
    count = held.sum().clamp(min=1.0)
    middle = (held[:, None] * centres).sum(0) / count
    size = (held * torch.linalg.vector_norm(centres - middle, dim=1)).sum() / count
    about_middle = T.clone()
    about_middle[:, :3, 3] += (T[:, :3, :3] @ middle[:, None])[..., 0]
    grown = torch.cat([about_middle[:, :3, 3:], torch.zeros_like(T[:, :3, 3:])], 1)
    directions = torch.cat([-se3.adjoint(about_middle), grown], 2)
    units = torch.ones_like(T[:, :2, :3].flatten(1))
    units[:, :3] /= size.clamp(min=min_size)
    return directions, units


def _has_metric_scale(problem: Problem) -> Tensor:
    """Scalar bool, whether the depths' prior fixes the scale of the world."""
    sharpness = problem.prior_information * problem.prior_depth**2 * problem.valid
    return sharpness.sum() > _METRIC_SHARPNESS * problem.valid.sum()
