"""The backend's energy as a plain sum of squares, which is what general solvers take.

Each robust residual becomes the signed root of twice its cost, and patches that fit or are seen no
more become constants, so that half the squared sum is the energy itself and not a surrogate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.photometric import PatchReference, patch_residual
from denseba_ros.backend.problem import Problem, Variables


def residuals(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    costs: Tensor,
) -> Tensor:
    """(M,) with 0.5 |r|^2 = ``energy`` given the patches' ``costs`` (G, K, N) at the start;
    differentiable.

    Corners are left out: the window must have none. Its frames' prior must be a gauge, diagonal
    and without gradient, as ``GaussianPrior.gauge`` makes it.
    """
    noise = problem.noise
    photo = patch_residual(problem, reference, variables, level)
    weight = reference.weight[:, None].expand_as(photo.value)
    pixels = signed_root(photo.value / noise.intensity, noise.huber) * weight.sqrt()
    cap = weight.sum(-1) * noise.huber * (noise.cutoff - 0.5 * noise.huber)
    constant = torch.where(photo.visible, cap, costs.clamp(min=0.0))[..., None]
    constant = (2.0 * constant / weight.shape[-1]).sqrt()
    patches = torch.where(photo.counts[..., None], pixels, constant)[costs >= 0]
    offset = variables.inverse_depth - problem.prior_depth
    depths = problem.prior_information.sqrt() * offset
    prior = problem.pose_prior
    held = prior.step_from_origin(variables.T, variables.affine) * prior.H.diagonal().sqrt()
    return torch.cat([patches.reshape(-1), depths.reshape(-1), held.to(depths.dtype)])


def signed_root(size: Tensor, huber: float) -> Tensor:
    """Signed r with 0.5 r^2 = Huber's cost of ``size``: size itself, then a root."""
    far = size.abs() >= huber
    # The root is kept away from zero also where it is not taken: its gradient there is infinite.
    root = (2.0 * huber * (size.abs().clamp(min=huber) - 0.5 * huber)).sqrt()
    return torch.where(far, size.sign() * root, size)
