"""Essential matrices as a manifold of five dimensions, and the equations that a pair gives.

Helmke, Huper, Lee, Moore, "Essential matrix estimation using Gauss-Newton iterations on a
manifold", IJCV 2007.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.geometry.se3 import hat


def epipolar_residual(a: Tensor, b: Tensor, E: Tensor) -> Tensor:
    """(B, 5) b^T E a."""
    return (b @ E * a).sum(-1)


def move_essential(E: Tensor, step: Tensor) -> Tensor:
    """Essential matrices (M, 3, 3) after small steps (M, 5), first order.

    The tangent space is {[u]x E + E [v]x}; turning both sides about the epipoles changes nothing,
    so the step lives in the five dimensions at a right angle to that.
    """
    rows, columns = E.roll(-1, 1), E.roll(-1, 2)
    left = _longest(torch.linalg.cross(E, columns, dim=1).mT)  # left^T E = 0
    right = _longest(torch.linalg.cross(E, rows, dim=2))  # E right = 0
    # [left]x E = E' [right]x up to the sign of the epipoles, which this aligns.
    agree = (hat(left) @ E * (E @ hat(right))).sum((-1, -2), keepdim=True)[..., 0]
    free = F.normalize(torch.cat([left, -torch.sign(agree) * right], -1), dim=-1)
    both = (_complement(free) @ step[..., None])[..., 0]
    return E + hat(both[:, :3]) @ E + E @ hat(both[:, 3:])


def _longest(vectors: Tensor) -> Tensor:
    """The longest of three vectors (M, 3, 3), one a row, normalised to (M, 3)."""
    best = vectors.square().sum(-1).argmax(1)
    return F.normalize(vectors[torch.arange(len(best), device=best.device), best], dim=-1)


def _complement(v: Tensor) -> Tensor:
    """Orthonormal columns (M, d, d - 1) at a right angle to unit vectors (M, d) (Householder)."""
    d = v.shape[-1]
    sign = torch.where(v[:, :1] < 0, -1.0, 1.0)
    u = v + sign * F.one_hot(torch.zeros_like(v[:, 0], dtype=torch.long), d)
    eye = torch.eye(d, dtype=v.dtype, device=v.device)
    reflection = eye - 2 * u[:, :, None] * u[:, None] / u.square().sum(-1)[:, None, None]
    return reflection[..., 1:]
