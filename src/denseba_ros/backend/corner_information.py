"""Information of observed corners that differs by direction, as (xx, xy, yy) of 2x2 matrices."""

from __future__ import annotations

import torch
from torch import Tensor

# Below this length the in-plane rotation between two cameras is not defined: they face each other.
_FACING = 1e-3
# Least squared length: that of zero would have no derivative.
_LEAST_SQUARED = 1e-12


def weighted(information: Tensor, vectors: Tensor) -> Tensor:
    """Products (..., 2) of the matrices ``information`` (..., 3) and ``vectors`` (..., 2)."""
    xx, xy, yy = information.unbind(-1)
    x, y = vectors.unbind(-1)
    return torch.stack([xx * x + xy * y, xy * x + yy * y], -1)


def mahalanobis(information: Tensor, vectors: Tensor) -> Tensor:
    """Lengths (...) of ``vectors`` (..., 2) under the matrices ``information`` (..., 3), 1e-6 at
    least; differentiable."""
    return (vectors * weighted(information, vectors)).sum(-1).clamp(min=_LEAST_SQUARED).sqrt()


def rolled(information: Tensor, T: Tensor) -> Tensor:
    """The information (F, 3) of a host's corners in each of K targets, (K, F, 3): turned by the
    rotation about the optical axis between them.

    ``T`` (K, 4, 4) T_target_host.
    """
    cosine, sine = T[:, 0, 0] + T[:, 1, 1], T[:, 1, 0] - T[:, 0, 1]
    length = torch.hypot(cosine, sine)
    faces = length < _FACING
    cosine = torch.where(faces, 1.0, cosine / length).to(information.dtype)[:, None]
    sine = torch.where(faces, 0.0, sine / length).to(information.dtype)[:, None]
    xx, xy, yy = information.unbind(-1)
    mixed = 2 * cosine * sine * xy
    return torch.stack(
        [
            cosine**2 * xx - mixed + sine**2 * yy,
            cosine * sine * (xx - yy) + (cosine**2 - sine**2) * xy,
            sine**2 * xx + mixed + cosine**2 * yy,
        ],
        -1,
    )
