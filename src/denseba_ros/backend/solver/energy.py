"""The energy that every solver of the window minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.photometric import PatchReference
from denseba_ros.backend.problem import Problem, Variables


def energy(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    costs: Tensor,
    kernel: PairKernel,
) -> Tensor:
    """Robust energy of residuals and priors at ``variables`` on pyramid ``level``, scalar float64.

    ``costs`` (G, K, N) are those of the patches at the linearisation point: patches that were not
    in use there (negative) are left out, and those that left the image since keep their cost, so
    that two energies compare the same residuals. ``kernel`` evaluates all pairs.
    """
    residuals = kernel.energy(problem, reference, variables, level, costs)
    return residuals + prior_energy(problem, variables)


def prior_energy(problem: Problem, variables: Variables, frames: Tensor | None = None) -> Tensor:
    """Energy of the priors of depths and frames, and of measured rotations, scalar float64;
    ``frames``: that of the frames' prior, where it is known already."""
    offset = variables.inverse_depth - problem.prior_depth
    depths = 0.5 * (problem.prior_information * offset**2).sum(dtype=torch.float64)
    if frames is None:
        _, _, frames = problem.pose_prior.at(variables.T, variables.affine)
    links = problem.rotation_links
    return depths + frames if links is None else depths + frames + links.energy(variables.T)
