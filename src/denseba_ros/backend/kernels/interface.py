"""The interface of the kernels: linearisation and energy of all pairs of a point and a target.

Everything else of the solver is small. Each kind of device has an implementation that suits it,
and all agree with the one in plain torch (``torch_kernel``).
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
    """Photometric patches and corners linearised at the variables, priors not included.

    Attributes:
        H_pair, b_pair: (G, K, 8, 8) and (G, K, 8) float64, by the relative step of each pair,
            step_pair = step_target - ``chain`` step_host.
        chain: (G, K, 8, 8) float64.
        H_depth, b_depth: (G, N) of each point's inverse depth, in its dtype.
        H_mixed: (G, N, 8K) between each point and all frames, its host included, in its dtype.
        costs: (G, K, N) robust cost of the patches in use, negative of the others, in its dtype.
        energy: scalar float64.
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
    """Linearises and evaluates all pairs; the same input gives the same bits on one device."""

    def linearise(
        self, problem: Problem, reference: PatchReference, variables: Variables, level: int
    ) -> NormalEquations:
        """Normal equations of patches and corners at ``variables`` on pyramid ``level``.

        ``reference`` are the patches of that level. Implementations may raise ValueError for
        tensors of another dtype or device than they are made for.
        """

    def energy(
        self,
        problem: Problem,
        reference: PatchReference,
        variables: Variables,
        level: int,
        costs: Tensor,
    ) -> Tensor:
        """Energy, scalar float64, of the corners and of the patches in use.

        Those are the patches whose ``costs`` (G, K, N) at the linearisation point are not
        negative. One that became an outlier costs as much as any outlier; one that left the image
        keeps its cost, else every step would be paid for at the borders.
        """


def linearisation_poses(problem: Problem, variables: Variables) -> Tensor:
    """T_target_host (G, K, 4, 4) float64 for the Jacobians.

    Frames of the prior keep their first estimate (``problem.uses_first_estimate``; Huang,
    Mourikis, Roumeliotis, "A first-estimates Jacobian EKF", 2009), others their current one.
    """
    T = torch.where(problem.uses_first_estimate[:, None, None], problem.pose_prior.T, variables.T)
    return relative_poses(T, problem.hosts)


def relative_gains(problem: Problem, variables: Variables) -> Tensor:
    """exp(a_target - a_host), (G, K) float64."""
    a = variables.affine[:, 0]
    return torch.exp(a[None] - a[problem.hosts, None])


def host_chain(T_pair: Tensor, gain: Tensor) -> Tensor:
    """(G, K, 8, 8) float64: derivative of the pair's relative step by the host's step, negated.

    ``T_pair`` (G, K, 4, 4) T_target_host and ``gain`` (G, K) = exp(a_target - a_host), float64.
    """
    C = T_pair.new_zeros(*gain.shape, FRAME_DOF, FRAME_DOF)
    C[..., :6, :6] = se3.adjoint(T_pair)
    C[..., 6, 6] = 1.0
    C[..., 7, 7] = gain
    return C
