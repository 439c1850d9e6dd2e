"""Marginalise a keyframe into the prior instead of dropping it.

Its points are eliminated with all their residuals, then its frame; what remains is a Gaussian on
the frames that stay, linearised at their first estimates. Leutenegger et al., "Keyframe-based
visual-inertial odometry using nonlinear optimization", 2015; Engel et al., DSO, 2016.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import PatchReference, patch_reference
from denseba_ros.backend.prior.gaussian_prior import GaussianPrior
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.backend.solver.schur import reduce

# Weight of the marginalised points: their residuals are linearised for good before they have
# converged, and errors of neighbouring pixels are correlated (DSO uses the same factor).
MARGINALISATION_WEIGHT = 0.25
# Of the Jacobi-scaled Hessian; smaller eigenvalues are rounding, not information.
_MIN_EIGENVALUE = 1e-7


def marginalise(
    problem: Problem,
    variables: Variables,
    index: int,
    level: int,
    kernel: PairKernel = TORCH_KERNEL,
    reference: PatchReference | None = None,
) -> GaussianPrior:
    """Prior on the other frames after frame ``index`` and its points are eliminated.

    Observations of other keyframes' points in it are dropped, so that those points stay sparse.

    Args:
        problem: the window, with images of ``level``.
        variables: the adjusted variables.
        index: of the keyframe that leaves, in 0 ... K - 1.
        level: pyramid level of the last linearisation, 0 the finest.
        kernel: linearises the leaving points.
        reference: their patches, where they were cut before.

    Returns:
        A prior of the K - 1 remaining frames, in order.
    """
    links = problem.rotation_links
    links = None if links is None else links.touching(index)
    alone = replace(problem.only_host(index), rotation_links=links)
    points = replace(variables, inverse_depth=variables.inverse_depth[index : index + 1])
    if reference is None:
        reference = patch_reference(alone, level)
    system = linearise(alone, reference, points, level, kernel)
    H, b = reduce(system, 0.0)
    prior_H, prior_b, _ = problem.pose_prior.at(variables.T, variables.affine)
    if links is not None:
        # At full weight, as the prior: a gyroscope's errors are not those of neighbouring pixels.
        turn_H, turn_b = links.equations(variables.T)
        prior_H, prior_b = prior_H + turn_H, prior_b + turn_b
    H = prior_H + MARGINALISATION_WEIGHT * (H - prior_H)
    b = prior_b + MARGINALISATION_WEIGHT * (b - prior_b)
    H, b = _eliminate(H, b, index)
    keep = torch.arange(problem.keyframes, device=H.device) != index
    uses_first_estimate = problem.uses_first_estimate
    T = torch.where(uses_first_estimate[:, None, None], problem.pose_prior.T, variables.T)[keep]
    affine = torch.where(uses_first_estimate[:, None], problem.pose_prior.affine, variables.affine)[
        keep
    ]
    origin = GaussianPrior(H, b, T, affine)
    x = origin.step_from_origin(variables.T[keep], variables.affine[keep])
    return replace(origin, b=b - H @ x)


def _eliminate(H: Tensor, b: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """Schur complement of one frame's block, Jacobi-scaled for conditioning."""
    n = len(b)
    block = torch.zeros(n, dtype=torch.bool, device=H.device)
    block[index * FRAME_DOF : (index + 1) * FRAME_DOF] = True
    scale = H.diagonal().clamp(min=1e-12).rsqrt()
    A = H * scale[:, None] * scale[None]
    g = b * scale
    inner = A[block][:, block]
    inner = inner + 1e-10 * torch.eye(FRAME_DOF, dtype=H.dtype, device=H.device)
    gain = torch.linalg.solve(inner, A[block][:, ~block]).T
    H_out = A[~block][:, ~block] - gain @ A[block][:, ~block]
    b_out = g[~block] - gain @ g[block]
    H_out, b_out = _positive(H_out, b_out)
    back = 1.0 / scale[~block]
    return H_out * back[:, None] * back[None], b_out * back


def _positive(H: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Keep only directions that are really constrained: rounding may leave negative curvature."""
    values, vectors = torch.linalg.eigh(0.5 * (H + H.T))
    kept = values > _MIN_EIGENVALUE
    values = torch.where(kept, values, torch.zeros_like(values))
    return (vectors * values) @ vectors.T, vectors @ (kept * (vectors.T @ b))
