"""Essential matrices as a manifold of five dimensions, and the equations that a pair gives.

Helmke, Huper, Lee, Moore, "Essential matrix estimation using Gauss-Newton iterations on a
manifold", IJCV 2007.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.geometry.cross_product import hat


def epipolar_residual(a: Tensor, b: Tensor, E: Tensor) -> Tensor:
    """(B, 5) b^T E a."""
    return (b @ E * a).sum(-1)


def epipolar_slope(a: Tensor, b: Tensor, E: Tensor | None = None) -> Tensor:
    """(B, N, 3, 3) derivative of b^T E a by E, which it does not depend on."""
    return b[..., :, None] * a[..., None, :]


def essential_tangent(E: Tensor) -> Tensor:
    """Directions (B, 5, 3, 3) of essential matrices (B, 3, 3), an orthonormal set of steps (u, v)
    in {[u]x E + E [v]x}.

    Turning both sides about the epipoles changes nothing, so u and v have five degrees of freedom:
    those at a right angle to that turn.
    """
    steps = (E.flatten(1) @ _generators(E.device)).reshape(-1, 6, 3, 3)
    left, right = _epipoles(E)
    return _across(torch.cat([left, -right], -1) * 0.5**0.5, steps)


def _epipoles(E: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors (B, 3) with left^T E = 0, E right = 0 and [left]x E = E [right]x.

    The cofactors of E are a positive multiple of left right^T, which settles their signs too.
    """
    cofactors = torch.linalg.cross(E.roll(-1, 1), E.roll(-2, 1), dim=2)
    largest = cofactors.flatten(1).abs().argmax(1)
    at = torch.arange(len(E), device=E.device)
    row, column = largest // 3, largest % 3
    left, right = cofactors[at, :, column], cofactors[at, row]
    sign = torch.sign(cofactors[at, row, column])
    return F.normalize(left, dim=-1), F.normalize(sign[:, None] * right, dim=-1)


@cache
def _generators(device: torch.device) -> Tensor:
    """(9, 54) from the entries of E to those of [e_k]x E and E [e_k]x for the three axes."""
    cross = hat(torch.eye(3, dtype=torch.float64, device=device))
    unit = torch.eye(9, dtype=torch.float64, device=device).reshape(9, 1, 3, 3)
    return torch.cat([cross @ unit, unit @ cross], 1).reshape(9, 54)


def _across(v: Tensor, x: Tensor) -> Tensor:
    """Combinations (B, d - 1, ...) of x (B, d, ...) by an orthonormal set at a right angle to the
    unit vectors v (B, d): all but the first column of a Householder reflection."""
    sign = torch.where(v[:, 0] < 0, -1.0, 1.0)
    u = v.clone()
    u[:, 0] += sign
    along = (u[:, :, None, None] * x).sum(1, keepdim=True)
    scale = 2.0 / u.square().sum(-1, keepdim=True)
    return x[:, 1:] - (scale * u[:, 1:])[:, :, None, None] * along
