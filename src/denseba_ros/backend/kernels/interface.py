"""What is summed over all pairs of a host's point and a target frame, and who may sum it.

Everything else of the solver is small: one implementation a kind of device does this part in the
way that suits it, and all agree with the one in plain torch (``pair_torch``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from denseba_ros.backend.photometric import PatchReference, relative_poses
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.geometry import se3


@dataclass(frozen=True)
class NormalEquations:
    """Patches and corners linearised at the variables.

    ``H_pair`` (G, K, 8, 8) and ``b_pair`` (G, K, 8) float64 by the relative step of each pair,
    step_pair = step_target - ``chain`` step_host with ``chain`` (G, K, 8, 8) float64;
    ``H_depth``, ``b_depth`` (G, N) of each point; ``H_mixed`` (G, N, 8K) between the point and all
    frames, its host included; ``costs`` (G, K, N) robust cost of the patches in use, negative of
    the others; ``energy`` scalar float64. Those over points have the type of the inverse depths.
    Priors are not in it.
    """

    H_pair: Tensor
    b_pair: Tensor
    chain: Tensor
    H_depth: Tensor
    b_depth: Tensor
    H_mixed: Tensor
    costs: Tensor
    energy: Tensor


class PairKernel(Protocol):
    """Sums over pairs; the same input gives the same bits on the same device."""

    def linearise(
        self, problem: Problem, reference: PatchReference, variables: Variables, level: int
    ) -> NormalEquations:
        """Normal equations of patches and corners on pyramid ``level``."""

    def energy(
        self,
        problem: Problem,
        reference: PatchReference,
        variables: Variables,
        level: int,
        costs: Tensor,
    ) -> Tensor:
        """Energy, scalar float64, of the corners and of the patches whose ``costs`` (G, K, N) at
        the start were not negative.

        One of those that fits no more costs as much as an outlier; one that is seen no more costs
        what it did, as nothing is known of it: else every step would be paid for at the borders.
        """


def linearisation_poses(problem: Problem, variables: Variables) -> Tensor:
    """T_target_host (G, K, 4, 4) float64 for the Jacobians.

    Frames in the prior keep their first estimate (problem.frozen), others their current one.
    """
    T = torch.where(problem.uses_first_estimate[:, None, None], problem.pose_prior.T, variables.T)
    return relative_poses(T, problem.hosts)


def relative_gains(problem: Problem, variables: Variables) -> Tensor:
    """exp(a_target - a_host), (G, K) float64."""
    a = variables.affine[:, 0]
    return torch.exp(a[None] - a[problem.hosts, None])


def host_chain(T_pair: Tensor, gain: Tensor) -> Tensor:
    """(G, K, 8, 8) float64: how the host's step enters the pair's relative step, at T_target_host
    (G, K, 4, 4) and ``gain`` (G, K)."""
    C = T_pair.new_zeros(*gain.shape, FRAME_DOF, FRAME_DOF)
    C[..., :6, :6] = se3.adjoint(T_pair)
    C[..., 6, 6] = 1.0
    C[..., 7, 7] = gain
    return C
