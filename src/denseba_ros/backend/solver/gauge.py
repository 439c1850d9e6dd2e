"""The seven motions of the whole window that no image shows, taken out of a step.

Moving, turning and scaling the world with all keyframes in it changes no residual. What a step
holds of that comes from Jacobians that were kept from earlier estimates, and adds up: the further
the window wanders from where its prior was linearised, the less that prior fits. The published
implementation of DSO (Engel, Koltun, Cremers, "Direct sparse odometry", PAMI 2018) keeps its steps
orthogonal to the same directions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.geometry import se3

# So many frames of the prior say what the whole window does; with fewer, nothing is taken out.
_ENOUGH = 3
# A prior of the depths this sharp (one over its squared relative deviation) knows the scale.
_KNOWS_SCALE = 20.0


def project_out_gauge(
    problem: Problem, variables: Variables, frames: Tensor, depths: Tensor
) -> tuple[Tensor, Tensor]:
    """The steps ``frames`` (K, 8) and ``depths`` (G, N) less the similarity of the world by which
    the frames of the prior move, in the least-squares sense. Nothing here waits for the device."""
    held = problem.uses_first_estimate.to(frames.dtype)
    directions, units = gauge_directions(variables.T, held)
    A = directions * (units * held[:, None])[..., None]
    A = A.flatten(0, 1)
    y = (frames[:, :6] * units * held[:, None]).flatten()
    normal = A.T @ A
    scale = normal.diagonal().clamp(min=1e-12).rsqrt()
    eye = torch.eye(7, dtype=A.dtype, device=A.device)
    factor, info = torch.linalg.cholesky_ex(normal * scale[:, None] * scale[None] + 1e-9 * eye)
    moved = torch.cholesky_solve((scale * (A.T @ y))[:, None], factor)[:, 0] * scale
    usable = (held.sum() >= _ENOUGH) & (info == 0)
    moved = torch.where(usable, moved, torch.zeros_like(moved))
    moved = torch.cat([moved[:6], moved[6:] * ~_knows_scale(problem)])
    rest = frames.clone()
    rest[:, :6] -= directions @ moved
    return rest, depths + (moved[6] * variables.inverse_depth).to(depths.dtype)


def gauge_directions(T: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
    """Steps (K, 6, 7) of frames ``T`` (K, 4, 4) T_camera_world when the world is moved, turned and
    shrunk about the middle of the ``held`` (K,) ones, and ``units`` (K, 6) that make lengths and
    angles comparable: one over the size of the window, and one."""
    centres = -(T[:, :3, :3].mT @ T[:, :3, 3:])[..., 0]
    count = held.sum().clamp(min=1.0)
    middle = (held[:, None] * centres).sum(0) / count
    size = (held * torch.linalg.vector_norm(centres - middle, dim=1)).sum() / count
    about_middle = T.clone()
    about_middle[:, :3, 3] += (T[:, :3, :3] @ middle[:, None])[..., 0]
    shrunk = torch.cat([about_middle[:, :3, 3:], torch.zeros_like(T[:, :3, 3:])], 1)
    directions = torch.cat([-se3.adjoint(about_middle), shrunk], 2)
    units = torch.ones_like(T[:, :2, :3].flatten(1))
    units[:, :3] /= size.clamp(min=1e-6)
    return directions, units


def _knows_scale(problem: Problem) -> Tensor:
    """Scalar bool, whether the depths' prior says how large the world is."""
    sharpness = problem.prior_information * problem.prior_depth**2 * problem.valid
    return sharpness.sum() > _KNOWS_SCALE * problem.valid.sum()
