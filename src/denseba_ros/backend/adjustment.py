"""Two dense bundle-adjustment iterations, coarse then fine, with step limit and acceptance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.linear_system import LinearSystem, linearise
from denseba_ros.backend.photometric import PatchReference, patch_reference, patch_residual
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.backend.reprojection import corner_residual, corner_weights
from denseba_ros.backend.schur import solve

# One step changes an inverse depth at most by these factors.
_SHRINK, _GROW = 0.75, 1.3
# Relative inverse depth never falls to zero or below.
_MIN_INVERSE_DEPTH = 1e-5


@dataclass(frozen=True)
class Adjusted:
    """Result: ``variables``, the last linear ``system`` (at the last iteration's start), energies
    (iterations, 2) before and after each iteration and ``accepted`` (iterations,) bool."""

    variables: Variables
    system: LinearSystem
    energies: Tensor
    accepted: Tensor


def energy(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    counts: Tensor | None = None,
) -> Tensor:
    """Robust energy, scalar float64. Patches outside ``counts`` (K, K, N) are left out, so that
    two energies compare the same residuals; one that left the image costs as much as an outlier."""
    photo = patch_residual(problem, reference, variables, level)
    counts = photo.counts if counts is None else counts
    cap = (
        reference.weight.sum(-1)[:, None]
        * problem.noise.huber
        * (problem.noise.cutoff - 0.5 * problem.noise.huber)
    )
    patches = torch.where(photo.counts, photo.energy, cap.expand_as(photo.energy)) * counts
    residual, ok = corner_residual(problem, variables)
    _, corners = corner_weights(problem, residual, ok)
    offset = variables.inverse_depth - problem.prior_depth
    prior = 0.5 * (problem.prior_information * offset**2).sum().double()
    _, _, frames = problem.pose_prior.at(variables.T, variables.affine)
    return patches.sum(dtype=torch.float64) + corners.sum(dtype=torch.float64) + prior + frames


def adjust(
    problem: Problem, variables: Variables, levels: tuple[int, ...], damping: float
) -> Adjusted:
    """One Gauss-Newton iteration on each pyramid level of ``levels``, in order.

    A step that raises the energy is tried once more at a quarter, then refused.
    """
    references = {level: patch_reference(problem, level) for level in set(levels)}
    energies, accepted = [], []
    for level in levels:
        reference = references[level]
        system = linearise(problem, reference, variables, level)
        before = energy(problem, reference, variables, level, system.counts)
        step = solve(system, damping)
        full = _moved(variables, step.frames, step.depths)
        short = _moved(variables, 0.25 * step.frames, 0.25 * step.depths)
        after_full = energy(problem, reference, full, level, system.counts)
        after_short = energy(problem, reference, short, level, system.counts)
        best = full.chosen(after_full < after_short, short)
        after = torch.minimum(after_full, after_short)
        accept = step.ok & (after < before)
        variables = best.chosen(accept, variables)
        energies.append(torch.stack([before, torch.where(accept, after, before)]))
        accepted.append(accept)
    return Adjusted(variables, system, torch.stack(energies), torch.stack(accepted))


def _moved(variables: Variables, frames: Tensor, depths: Tensor) -> Variables:
    """Take a step with the inverse depths kept within the step limit."""
    d = variables.inverse_depth
    limited = (d + depths).clamp(min=_MIN_INVERSE_DEPTH)
    limited = torch.minimum(torch.maximum(limited, d * _SHRINK), d * _GROW)
    return variables.moved(frames, limited - d)
