"""Rigid motions in torch: exponential, inverse and adjoint of SE(3), batched.

Tangent vectors are (..., 6) = (translation rho, rotation theta); perturbations act on the left,
``T <- exp(xi) T``. Equations: Sola, Deray, Atchuthan, "A micro Lie theory for state estimation in
robotics", 2018 (arXiv:1812.01537), section "SE(3)".
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.geometry import pose_batch, pose_step
from denseba_ros.geometry.cross_product import hat

# Below this angle (radians) the Taylor series is more exact than the closed form.
_SMALL_ANGLE = 1e-4
# The same for a term that is a difference of nearly equal numbers.
_SERIES_ANGLE = 0.03


def _sine_terms(angle: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """sin(x)/x, (1-cos(x))/x^2 and (x-sin(x))/x^3, with their series near zero.

    The second by the half angle, 2 sin(x/2)^2 / x^2: a difference would lose all digits in float32.
    """
    small = angle < _SMALL_ANGLE
    x = torch.where(small, torch.ones_like(angle), angle)
    x2 = angle * angle
    a = torch.where(small, 1 - x2 / 6, torch.sin(x) / x)
    b = torch.where(small, 0.5 - x2 / 24, 0.5 * (torch.sin(0.5 * x) / (0.5 * x)) ** 2)
    c = torch.where(small, 1 / 6 - x2 / 120, (x - torch.sin(x)) / (x * x * x))
    return a, b, c


def _is_on_host(x: Tensor) -> bool:
    """Whether the same can be done without tensor operations."""
    plain = x.dtype == torch.float64 and x.device.type == "cpu"
    return plain and not (x.requires_grad and torch.is_grad_enabled())


def _is_one_on_host(x: Tensor, dimensions: int) -> bool:
    """Whether ``pose_step`` does the same."""
    return x.dim() == dimensions and _is_on_host(x)


def exp(xi: Tensor) -> Tensor:
    """Exponential of tangent vectors (..., 6) as matrices (..., 4, 4)."""
    if _is_one_on_host(xi, 1):
        return torch.from_numpy(pose_step.exp(xi.detach().numpy()))
    if _is_on_host(xi):
        T = xi.new_empty(*xi.shape[:-1], 4, 4)
        pose_batch.exp(xi.detach().reshape(-1, 6).contiguous().numpy(), T.view(-1, 4, 4).numpy())
        return T
    rho, theta = xi[..., :3], xi[..., 3:]
    angle = torch.linalg.vector_norm(theta, dim=-1)
    a, b, c = (t[..., None, None] for t in _sine_terms(angle))
    W = hat(theta)
    W2 = W @ W
    eye = torch.eye(3, dtype=xi.dtype, device=xi.device)
    T = torch.zeros(*xi.shape[:-1], 4, 4, dtype=xi.dtype, device=xi.device)
    T[..., :3, :3] = eye + a * W + b * W2
    T[..., :3, 3] = ((eye + b * W + c * W2) @ rho[..., None])[..., 0]
    T[..., 3, 3] = 1.0
    return T


def rotation_log(R: Tensor) -> Tensor:
    """Logarithm of rotations (..., 3, 3) below pi as (..., 3)."""
    return _turn(R)[0]


def _turn(R: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rotation vector (..., 3) of R (..., 3, 3), its angle and the first two sine terms of that."""
    vee = torch.stack(
        [R[..., 2, 1] - R[..., 1, 2], R[..., 0, 2] - R[..., 2, 0], R[..., 1, 0] - R[..., 0, 1]], -1
    )
    sine = 0.5 * torch.linalg.vector_norm(vee, dim=-1)
    cosine = 0.5 * (R.diagonal(dim1=-2, dim2=-1).sum(-1) - 1)
    angle = torch.atan2(sine, cosine)
    a, b, _ = _sine_terms(angle)
    return 0.5 * vee / a[..., None], angle, a, b


def log(T: Tensor) -> Tensor:
    """Logarithm of matrices (..., 4, 4) as (..., 6); rotations below pi."""
    if _is_one_on_host(T, 2):
        return torch.from_numpy(pose_step.log(T.detach().numpy()))
    if _is_on_host(T):
        xi = T.new_empty(*T.shape[:-2], 6)
        pose_batch.log(T.detach().reshape(-1, 4, 4).contiguous().numpy(), xi.view(-1, 6).numpy())
        return xi
    t = T[..., :3, 3]
    theta, angle, a, b = _turn(T[..., :3, :3])
    W = hat(theta)
    # V^-1 in closed form: a general solver waits for the device to report singular matrices.
    near = angle < _SERIES_ANGLE
    x2 = angle * angle
    series = 1 / 12 + x2 / 720 + x2 * x2 / 30240
    d = torch.where(near, series, (1 - 0.5 * a / b) / torch.where(near, torch.ones_like(x2), x2))
    Wt = (W @ t[..., None])[..., 0]
    rho = t - 0.5 * Wt + d[..., None] * (W @ Wt[..., None])[..., 0]
    return torch.cat([rho, theta], -1)


def inverse(T: Tensor) -> Tensor:
    """Inverse of rigid matrices (..., 4, 4)."""
    if _is_one_on_host(T, 2):
        return torch.from_numpy(pose_step.inverse(T.detach().numpy()))
    Rt = T[..., :3, :3].transpose(-1, -2)
    out = torch.zeros_like(T)
    out[..., :3, :3] = Rt
    out[..., :3, 3] = -(Rt @ T[..., :3, 3:])[..., 0]
    out[..., 3, 3] = 1.0
    return out


def adjoint(T: Tensor) -> Tensor:
    """Adjoint (..., 6, 6): ``T exp(xi) T^-1 = exp(adjoint(T) xi)``."""
    R, t = T[..., :3, :3], T[..., :3, 3]
    out = torch.zeros(*T.shape[:-2], 6, 6, dtype=T.dtype, device=T.device)
    out[..., :3, :3] = R
    out[..., :3, 3:] = hat(t) @ R
    out[..., 3:, 3:] = R
    return out


def orthonormalised(T: Tensor) -> Tensor:
    """Nearest rigid matrices (..., 4, 4), which takes off what rounding adds over many products."""
    if _is_one_on_host(T, 2):
        return torch.from_numpy(pose_step.orthonormalised(T.detach().numpy()))
    U, _, Vh = torch.linalg.svd(T[..., :3, :3])
    out = T.clone()
    out[..., :3, :3] = U @ Vh
    return out


def rescaled(T: Tensor, factor: float, centre: Tensor) -> Tensor:
    """Poses T_camera_world (..., 4, 4) in a world that grew by ``factor`` about ``centre`` (3,)."""
    R, t = T[..., :3, :3], T[..., :3, 3]
    out = T.clone()
    out[..., :3, 3] = factor * t + (factor - 1.0) * (R @ centre)
    return out
