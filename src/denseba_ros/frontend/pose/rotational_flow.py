"""The rotation that fits a flow field best: a weighted least-squares problem of three unknowns.

The flow of a rotation does not depend on depth (Longuet-Higgins, Prazdny, "The interpretation of a
moving retinal image", 1980), so weights that prefer distant points separate it from translation.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Gauss-Newton steps: one is exact to first order in the angle, the second to third.
_STEPS = 2
# Prior information (per squared slope) of zero rotation: the problem is regular with zero weights.
_DAMPING = 1e-6


def rotation_from_flow(rays: Tensor, flow: Tensor, weight: Tensor) -> Tensor:
    """Rotation vector (B, 3), radians, of R_previous_current.

    ``rays`` (B, N, 2) slopes (x/z, y/z) in the previous image, ``flow`` (B, N, 2) their change to
    the current one, ``weight`` (B, N), not negative. Differentiable in flow and weight.
    """
    current = rays + flow
    vector = rays.new_zeros(len(rays), 3)
    eye = _DAMPING * torch.eye(3, dtype=rays.dtype, device=rays.device)
    for _ in range(_STEPS):
        expected = rotated_rays(rays, vector)
        J = rotational_jacobian(expected)
        weighted = J * weight[..., None, None]
        H = torch.einsum("bnij,bnik->bjk", weighted, J) + eye
        g = torch.einsum("bnij,bni->bj", weighted, current - expected)
        vector = vector + torch.linalg.solve(H, g)
    return vector


def rotated_rays(rays: Tensor, vector: Tensor) -> Tensor:
    """Slopes (B, N, 2) in the current camera of ``rays`` (B, N, 2), slopes in the previous one;
    ``vector`` (B, 3) is the rotation vector of R_previous_current."""
    v = torch.cat([rays, torch.ones_like(rays[..., :1])], -1)
    # R^T v, by Rodrigues' formula with the opposite angle.
    w = -vector[:, None].expand_as(v)
    square = (vector * vector).sum(-1)[:, None, None]
    a, b = _series(square)
    cross = torch.linalg.cross(w, v)
    rotated = v + a * cross + b * torch.linalg.cross(w, cross)
    slopes: Tensor = rotated[..., :2] / rotated[..., 2:].clamp(min=0.1)
    return slopes


def rotational_jacobian(rays: Tensor) -> Tensor:
    """Derivative (B, N, 2, 3) of the slopes ``rays`` (B, N, 2) by a small additional rotation."""
    x, y = rays.unbind(-1)
    one = torch.ones_like(x)
    rows = [x * y, -(one + x * x), y, one + y * y, -x * y, -x]
    return torch.stack(rows, -1).reshape(*rays.shape[:-1], 2, 3)


def _series(square: Tensor) -> tuple[Tensor, Tensor]:
    """sin(x)/x and (1 - cos(x))/x^2 of the squared angle; exact to 1e-6 below 1 rad, and with
    derivatives at zero, where closed forms have none."""
    a = 1 - square / 6 * (1 - square / 20 * (1 - square / 42))
    b = 0.5 - square / 24 * (1 - square / 30 * (1 - square / 56))
    return a, b
