"""The kernel in plain torch: runs on every device, is differentiable, is the reference.

Every residual depends on frames and depth only through four numbers y per point and pair: the
projected pixel (2), the relative log gain and the relative offset. Patches are summed to a 4x4
information of y first; geometry is chained on afterwards, once per point instead of per pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import (
    NormalEquations,
    host_chain,
    linearisation_poses,
    relative_gains,
)
from denseba_ros.backend.photometric import PatchReference, PatchResidual, patch_residual
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.reprojection import corner_information, corner_residual, corner_weights
from denseba_ros.geometry.pinhole import project, projection_jacobians


class TorchKernel:
    """One tensor operation after the other over (G, K, N, P), in any floating dtype."""

    def linearise(
        self, problem: Problem, reference: PatchReference, variables: Variables, level: int
    ) -> NormalEquations:
        """Normal equations of patches and corners on pyramid ``level``."""
        residual = patch_residual(problem, reference, variables, level)
        costs = torch.where(residual.counts, residual.energy, -1.0)
        M, q = _patch_information(residual)
        corner_M, corner_q = corner_information(problem, variables, level)
        f = corner_M.shape[2]
        M[:, :, :f, :2, :2] += corner_M
        q[:, :, :f, :2] += corner_q
        T_pair = linearisation_poses(problem, variables)
        J_pose, J_depth = _jacobians(problem, variables, T_pair, level)
        chain = host_chain(T_pair, relative_gains(problem, variables))
        H_pair, b_pair = _by_pair(M, q, J_pose)
        Md = (M[..., :2] @ J_depth[..., None])[..., 0]  # G, K, N, 4
        return NormalEquations(
            H_pair,
            b_pair,
            chain,
            H_depth=(J_depth * Md[..., :2]).sum(-1).sum(1),
            b_depth=(J_depth * q[..., :2]).sum(-1).sum(1),
            H_mixed=_mixed(_to_relative(J_pose, Md), chain, problem.hosts),
            costs=costs,
            energy=_total(problem, variables, residual, costs),
        )

    def energy(
        self,
        problem: Problem,
        reference: PatchReference,
        variables: Variables,
        level: int,
        costs: Tensor,
    ) -> Tensor:
        """Energy of the corners and of the patches in use, by their ``costs``."""
        photo = patch_residual(problem, reference, variables, level, gradients=False)
        return _total(problem, variables, photo, costs)


TORCH_KERNEL = TorchKernel()


def _total(problem: Problem, variables: Variables, photo: PatchResidual, costs: Tensor) -> Tensor:
    """The energy where the photometric residuals at ``variables`` are known already."""
    patches = torch.where(photo.visible, photo.energy, costs) * (costs >= 0)
    residual, ok = corner_residual(problem, variables)
    _, corners = corner_weights(problem, residual, ok)
    return patches.sum(dtype=torch.float64) + corners.sum(dtype=torch.float64)


def _patch_information(residual: PatchResidual) -> tuple[Tensor, Tensor]:
    """Information (G, K, N, 4, 4) and gradient (G, K, N, 4) of y from the patches."""
    gx, gy = residual.gradient.unbind(-1)
    S = torch.stack(
        [gx, gy, -residual.reference, -torch.ones_like(gx), residual.value], -2
    )  # G, K, N, 5, P
    products = (S * residual.weight[..., None, :]) @ S.transpose(-1, -2)
    return products[..., :4, :4].contiguous(), products[..., :4, 4].contiguous()


def _jacobians(
    problem: Problem, variables: Variables, T_pair: Tensor, level: int
) -> tuple[Tensor, Tensor]:
    """Derivatives (G, K, N, 2, 6) and (G, K, N, 2) of the projected pixel at ``level``."""
    camera = problem.camera.level(level)
    T_pair = T_pair.to(variables.inverse_depth.dtype)
    t = T_pair[:, :, None, :3, 3]
    rays = problem.camera.rays(problem.pixels)[:, None]
    projected = project(
        camera, rays, variables.inverse_depth[:, None], T_pair[:, :, None, :3, :3], t
    )
    return projection_jacobians(camera, projected, t)


def _by_pair(M: Tensor, q: Tensor, J_pose: Tensor) -> tuple[Tensor, Tensor]:
    """Chain y to the relative step of each pair: (G, K, 8, 8) and (G, K, 8) float64."""
    g, k, n = q.shape[:3]
    MJ = torch.cat([M[..., :2] @ J_pose, M[..., 2:]], -1)  # G, K, N, 4, 8
    flat = J_pose.permute(0, 1, 4, 2, 3).reshape(g, k, 6, n * 2)
    top = flat @ MJ[..., :2, :].reshape(g, k, n * 2, FRAME_DOF)
    H_pair = torch.cat([top, MJ[..., 2:, :].sum(2)], 2).double()
    return H_pair, _to_relative(J_pose, q).sum(2).double()


def _mixed(mixed: Tensor, chain: Tensor, hosts: Tensor) -> Tensor:
    """(G, N, 8K) between points and frames from (G, K, N, 8) by the relative steps."""
    g, k, n, _ = mixed.shape
    out = mixed.permute(0, 2, 1, 3).contiguous()
    host = (mixed @ chain.to(mixed.dtype)).sum(1)  # G, N, 8
    # A keyframe is no target of itself, so its own block is still empty here.
    out[torch.arange(g, device=mixed.device), :, hosts] -= host
    return out.reshape(g, n, k * FRAME_DOF)


def _to_relative(J_pose: Tensor, y: Tensor) -> Tensor:
    """J^T y (..., 8) for y (..., 4), with J = diag(J_pose, I)."""
    return torch.cat([(J_pose.transpose(-1, -2) @ y[..., :2, None])[..., 0], y[..., 2:]], -1)
