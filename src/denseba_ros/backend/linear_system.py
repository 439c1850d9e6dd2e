"""Normal equations of a window: photometric patches, observed corners and priors together.

Every residual depends on frames and depth only through four numbers y per point and pair: the
projected pixel (2), the relative log gain and the relative offset. Patches are summed to a 4x4
information of y first; geometry is chained on afterwards, once per point instead of per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.energy import total_energy
from denseba_ros.backend.photometric import (
    PatchReference,
    PatchResidual,
    patch_residual,
    relative_poses,
)
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.reprojection import corner_information
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import project, projection_jacobians


@dataclass(frozen=True)
class LinearSystem:
    """Gauss-Newton system H step = -b with the frames' block dense and the depths' diagonal.

    ``H`` (8K, 8K) and ``b`` (8K,) float64 of the frames with priors; ``H_depth``, ``b_depth``
    (G, N); ``H_mixed`` (G, N, 8K) between each point and all frames; ``counts`` (G, K, N) the
    patches in use; ``energy`` scalar float64 at the linearisation point.
    """

    H: Tensor
    b: Tensor
    H_depth: Tensor
    b_depth: Tensor
    H_mixed: Tensor
    counts: Tensor
    energy: Tensor


def linearise(
    problem: Problem, reference: PatchReference, variables: Variables, level: int
) -> LinearSystem:
    """Normal equations of the whole energy at ``variables`` on pyramid ``level``."""
    residual = patch_residual(problem, reference, variables, level)
    before = total_energy(problem, reference, variables, residual, residual.counts)
    M, q = _patch_information(residual)
    corner_M, corner_q = corner_information(problem, variables, level)
    f = corner_M.shape[2]
    M[:, :, :f, :2, :2] += corner_M
    q[:, :, :f, :2] += corner_q
    T_pair = _linearisation_poses(problem, variables)
    J_pose, J_depth = _jacobians(problem, variables, T_pair, level)
    C = _host_chain(T_pair, residual.gain)
    H, b, H_depth, b_depth, H_mixed = _assemble(M, q, J_pose, J_depth, C, problem.hosts)
    prior_H, prior_b, _ = problem.pose_prior.at(variables.T, variables.affine)
    H_depth = H_depth + problem.prior_information
    b_depth = b_depth + problem.prior_information * (variables.inverse_depth - problem.prior_depth)
    return LinearSystem(
        H + prior_H, b + prior_b, H_depth, b_depth, H_mixed, residual.counts, before
    )


def _patch_information(residual: PatchResidual) -> tuple[Tensor, Tensor]:
    """Information (G, K, N, 4, 4) and gradient (G, K, N, 4) of y from the patches."""
    gx, gy = residual.gradient.unbind(-1)
    S = torch.stack(
        [gx, gy, -residual.reference, -torch.ones_like(gx), residual.value], -2
    )  # K, K, N, 5, P
    products = (S * residual.weight[..., None, :]) @ S.transpose(-1, -2)
    return products[..., :4, :4].contiguous(), products[..., :4, 4].contiguous()


def _linearisation_poses(problem: Problem, variables: Variables) -> Tensor:
    """T_target_host (G, K, 4, 4) float64 for the Jacobians.

    Frames in the prior keep their first estimate (problem.frozen), others their current one.
    """
    T = torch.where(problem.frozen[:, None, None], problem.pose_prior.T, variables.T)
    return relative_poses(T, problem.hosts)


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


def _assemble(
    M: Tensor, q: Tensor, J_pose: Tensor, J_depth: Tensor, C: Tensor, hosts: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Chain y to the relative step of each pair, and that to both its frames.

    ``C`` (G, K, 8, 8): step_pair = step_target - C step_host.
    """
    g, k, n = J_depth.shape[:3]
    M_pixel = M[..., :2]  # G, K, N, 4, 2
    MJ = torch.cat([M_pixel @ J_pose, M[..., 2:]], -1)  # G, K, N, 4, 8
    Md = (M_pixel @ J_depth[..., None])[..., 0]  # G, K, N, 4
    H_depth = (J_depth * Md[..., :2]).sum(-1).sum(1)
    b_depth = (J_depth * q[..., :2]).sum(-1).sum(1)
    mixed = _to_relative(J_pose, Md)  # G, K, N, 8
    b_pair = _to_relative(J_pose, q).sum(2).double()
    flat = J_pose.permute(0, 1, 4, 2, 3).reshape(g, k, 6, n * 2)
    top = flat @ MJ[..., :2, :].reshape(g, k, n * 2, FRAME_DOF)
    H_pair = torch.cat([top, MJ[..., 2:, :].sum(2)], 2).double()  # G, K, 8, 8
    H, b = _scatter(H_pair, b_pair, C, hosts)
    H_mixed = mixed.permute(0, 2, 1, 3).contiguous()  # host, point, target, 8
    host = (mixed @ C.to(mixed.dtype)).sum(1)  # G, N, 8
    H_mixed[torch.arange(g, device=M.device), :, hosts] -= host
    return H, b, H_depth, b_depth, H_mixed.reshape(g, n, k * FRAME_DOF)


def _to_relative(J_pose: Tensor, y: Tensor) -> Tensor:
    """J^T y (..., 8) for y (..., 4), with J = diag(J_pose, I)."""
    return torch.cat([(J_pose.transpose(-1, -2) @ y[..., :2, None])[..., 0], y[..., 2:]], -1)


def _host_chain(T_pair: Tensor, gain: Tensor) -> Tensor:
    """(G, K, 8, 8) float64: how the host's step enters the pair's relative step."""
    C = T_pair.new_zeros(*gain.shape, FRAME_DOF, FRAME_DOF)
    C[..., :6, :6] = se3.adjoint(T_pair)
    C[..., 6, 6] = 1.0
    C[..., 7, 7] = gain
    return C


def _scatter(H_pair: Tensor, b_pair: Tensor, C: Tensor, hosts: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the pairs' 8x8 systems into the frames' (8K, 8K) and (8K,)."""
    k = C.shape[1]
    targets = torch.arange(k, device=C.device)
    HC = H_pair @ C
    C_t = C.transpose(-1, -2)
    blocks = HC.new_zeros(k, k, FRAME_DOF, FRAME_DOF)
    blocks[hosts] -= HC.transpose(-1, -2)
    blocks[:, hosts] -= HC.transpose(0, 1)
    # A keyframe is no target of itself, so the diagonal is still empty here.
    blocks[targets, targets] += H_pair.sum(0)
    blocks[hosts, hosts] += (C_t @ HC).sum(1)
    b = b_pair.sum(0)
    b[hosts] -= (C_t @ b_pair[..., None])[..., 0].sum(1)
    H = blocks.permute(0, 2, 1, 3).reshape(k * FRAME_DOF, k * FRAME_DOF)
    return H, b.reshape(-1)
