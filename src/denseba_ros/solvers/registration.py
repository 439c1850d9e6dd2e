"""Rigid registration of weighted point pairs (three or more), with an implicit gradient.

Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976; Umeyama, PAMI 1991.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.geometry.cross_product import hat
from denseba_ros.solvers.implicit import implicit_solve
from denseba_ros.solvers.solutions import Solutions

# The second singular value of the covariance must exceed this share of the first: on a line the
# turn about it is free.
_MIN_SPREAD = 1e-12


def register(source: Tensor, target: Tensor, weights: Tensor | None = None) -> Solutions:
    """Rigid motions that take ``source`` (B, N, 3) to ``target`` (B, N, 3), N >= 3.

    Minimises the sum of ``weights`` (B, N), >= 0, times squared distance; gradients reach all
    three. Returns T_target_source (B, 1, 4, 4) and ok (B, 1): the points fix the motion.
    """
    p, q = source.double(), target.double()
    w = torch.ones_like(p[..., 0]) if weights is None else weights.double()
    with torch.no_grad():
        T, ok = _kabsch(p, q, w)
    T = implicit_solve(registration_stationarity, (p, q, w), T, rigid_tangent)
    return Solutions(T[:, None], ok[:, None])


def traced_register(source: Tensor, target: Tensor, weights: Tensor) -> Solutions:
    """``register`` with the gradient of automatic differentiation through its SVD."""
    T, ok = _kabsch(source.double(), target.double(), weights.double())
    return Solutions(T[:, None], ok[:, None])


def _kabsch(p: Tensor, q: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Best motion (B, 4, 4) and whether it is unique (B,)."""
    total = w.sum(-1)
    share = (w / total.clamp(min=1e-300)[:, None])[..., None]
    p0, q0 = (share * p).sum(1), (share * q).sum(1)
    covariance = (share * (q - q0[:, None])).mT @ (p - p0[:, None])
    usable = torch.isfinite(covariance).all(-1).all(-1) & (total > 0)
    eye = torch.eye(3, dtype=p.dtype, device=p.device)
    U, s, Vh = torch.linalg.svd(torch.where(usable[:, None, None], covariance, eye))
    sign = torch.det(U @ Vh)
    flip = torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign], -1)
    R = (U * flip[:, None]) @ Vh
    t = torch.where(usable[:, None], q0 - (R @ p0[..., None])[..., 0], 0.0)
    # The turn is unique while no pair of (signed) singular values cancels.
    ok = usable & (s[:, 1] + sign * s[:, 2] > _MIN_SPREAD * s[:, 0])
    return rigid(R, t), ok


def rigid(R: Tensor, t: Tensor) -> Tensor:
    """Rotations (..., 3, 3) and translations (..., 3) as matrices (..., 4, 4)."""
    top = torch.cat([R, t[..., None]], -1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 3] = 1.0
    return torch.cat([top, bottom], -2)


def rigid_tangent(T: Tensor) -> Tensor:
    """Directions (B, 6, 4, 4) of rigid motions (B, 4, 4): left steps (translation, rotation)."""
    eye = torch.eye(3, dtype=T.dtype, device=T.device)
    generators = T.new_zeros(6, 4, 4)
    generators[:3, :3, 3] = eye
    generators[3:, :3, :3] = hat(eye)
    return generators @ T[:, None]


def registration_stationarity(p: Tensor, q: Tensor, w: Tensor, T: Tensor) -> Tensor:
    """(B, 6) derivative of half the weighted squared distances by a left step of T; zero at the
    best motion."""
    moved = p @ T[:, :3, :3].mT + T[:, None, :3, 3]
    force = w[..., None] * (moved - q)
    return torch.cat([force.sum(1), torch.linalg.cross(moved, force).sum(1)], -1)
