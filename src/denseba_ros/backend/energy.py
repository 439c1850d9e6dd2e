"""The energy that every solver of the window minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.photometric import PatchReference, PatchResidual, patch_residual
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.reprojection import corner_residual, corner_weights


def energy(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    counts: Tensor | None = None,
) -> Tensor:
    """Robust energy, scalar float64.

    Patches outside ``counts`` (G, K, N) are left out, so that two energies compare the same
    residuals; one that left the image since costs as much as an outlier.
    """
    photo = patch_residual(problem, reference, variables, level, gradients=False)
    return total_energy(
        problem, reference, variables, photo, photo.counts if counts is None else counts
    )


def total_energy(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    photo: PatchResidual,
    counts: Tensor,
) -> Tensor:
    """The energy where the photometric residuals at ``variables`` are known already."""
    noise = problem.noise
    cap = reference.weight.sum(-1) * noise.huber * (noise.cutoff - 0.5 * noise.huber)
    patches = torch.where(photo.counts, photo.energy, cap[:, None]) * counts
    residual, ok = corner_residual(problem, variables)
    _, corners = corner_weights(problem, residual, ok)
    offset = variables.inverse_depth - problem.prior_depth
    prior = 0.5 * (problem.prior_information * offset**2).sum(dtype=torch.float64)
    _, _, frames = problem.pose_prior.at(variables.T, variables.affine)
    return patches.sum(dtype=torch.float64) + corners.sum(dtype=torch.float64) + prior + frames
