"""Normal equations of a window: photometric patches, observed corners and priors together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import NormalEquations, PairKernel
from denseba_ros.backend.photometric import PatchReference
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.solver.energy import prior_energy


@dataclass(frozen=True)
class LinearSystem:
    """Gauss-Newton system H step = -b with the frames' block dense and the depths' diagonal.

    ``H`` (8K, 8K) and ``b`` (8K,) float64 of the frames with priors; ``H_depth``, ``b_depth``
    (G, N); ``H_mixed`` (G, N, 8K) between each point and all frames; ``costs`` (G, K, N) the
    robust cost of the patches in use, negative of the others; ``energy`` scalar float64 at the
    linearisation point.
    """

    H: Tensor
    b: Tensor
    H_depth: Tensor
    b_depth: Tensor
    H_mixed: Tensor
    costs: Tensor
    energy: Tensor

    @property
    def counts(self) -> Tensor:
        """(G, K, N) bool, the patches in use."""
        return self.costs >= 0


def linearise(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    kernel: PairKernel,
) -> LinearSystem:
    """Normal equations of the whole energy at ``variables`` on pyramid ``level``, priors included.

    ``reference`` are the patches of that level, ``kernel`` linearises all pairs.
    """
    pairs = kernel.linearise(problem, reference, variables, level)
    H, b = _assembled(pairs, problem.hosts)
    prior_H, prior_b, of_frames = problem.pose_prior.at(variables.T, variables.affine)
    if problem.rotation_links is not None:
        turn_H, turn_b = problem.rotation_links.equations(variables.T)
        prior_H, prior_b = prior_H + turn_H, prior_b + turn_b
    offset = variables.inverse_depth - problem.prior_depth
    return LinearSystem(
        H + prior_H,
        b + prior_b,
        pairs.H_depth + problem.prior_information,
        pairs.b_depth + problem.prior_information * offset,
        pairs.H_mixed,
        pairs.costs,
        pairs.energy + prior_energy(problem, variables, of_frames),
    )


def _assembled(pairs: NormalEquations, hosts: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the pairs' 8x8 systems into the frames' (8K, 8K) and (8K,)."""
    C = pairs.chain
    k = C.shape[1]
    targets = torch.arange(k, device=C.device)
    HC = pairs.H_pair @ C
    C_t = C.transpose(-1, -2)
    blocks = HC.new_zeros(k, k, FRAME_DOF, FRAME_DOF)
    blocks[hosts] -= HC.transpose(-1, -2)
    blocks[:, hosts] -= HC.transpose(0, 1)
    # A keyframe is no target of itself, so the diagonal is still empty here.
    blocks[targets, targets] += pairs.H_pair.sum(0)
    blocks[hosts, hosts] += (C_t @ HC).sum(1)
    b = pairs.b_pair.sum(0)
    b[hosts] -= (C_t @ pairs.b_pair[..., None])[..., 0].sum(1)
    H = blocks.permute(0, 2, 1, 3).reshape(k * FRAME_DOF, k * FRAME_DOF)
    return H, b.reshape(-1)
