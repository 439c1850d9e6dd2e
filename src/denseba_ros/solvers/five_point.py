"""Essential matrices from five point pairs, with an implicit gradient.

Nister, "An efficient solution to the five-point relative pose problem", PAMI 2004. The solutions
are then polished on the ten cubics themselves, so they are exact to rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.solvers.essential_manifold import (
    epipolar_residual,
    epipolar_slope,
    essential_tangent,
)
from denseba_ros.solvers.essential_polynomials import constraints, cubic_slopes
from denseba_ros.solvers.implicit import implicit_solve
from denseba_ros.solvers.polynomial import real_roots
from denseba_ros.solvers.solutions import Solutions

_POLISHING_STEPS = 3
# A candidate's cubics must vanish to this before the last step, which squares what is left.
_MAX_RESIDUAL = 1e-5


def five_point(first: Tensor, second: Tensor) -> Solutions:
    """Essential matrices with (second, 1)^T E (first, 1) = 0 for all five pairs.

    ``first`` and ``second`` (B, 5, 2) are normalised image coordinates; gradients reach both.
    Returns E (B, 10, 3, 3) of Frobenius norm one and ok (B, 10).
    """
    a, b = homogeneous(first), homogeneous(second)
    with torch.no_grad():
        E, sample = solve_five_point(a.detach(), b.detach())
    E = implicit_solve(epipolar_residual, (a, b), E, essential_tangent, epipolar_slope, sample)
    return scatter_solutions(E, sample, len(a), 10)


def homogeneous(points: Tensor) -> Tensor:
    """(..., 2) to (..., 3) float64 with a last coordinate of one."""
    return F.pad(points.double(), (0, 1), value=1.0)


def scatter_solutions(values: Tensor, sample: Tensor, count: int, most: int) -> Solutions:
    """Solutions (M, ...) of samples (M,), sorted, as (count, most, ...); identities elsewhere."""
    found = torch.bincount(sample, minlength=count)
    slot = (
        torch.arange(len(sample), device=sample.device) - (torch.cumsum(found, 0) - found)[sample]
    )
    fill = torch.eye(values.shape[-1], dtype=values.dtype, device=values.device)
    out = fill.expand(count, most, *values.shape[1:]).clone()
    ok = torch.zeros(count, most, dtype=torch.bool, device=values.device)
    ok[sample, slot] = True
    return Solutions(out.index_put((sample, slot), values), ok)


def solve_five_point(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """All E (M, 3, 3) and their samples (M,), in order, for rays (B, 5, 3)."""
    rows = F.normalize(epipolar_slope(a, b).flatten(2), dim=-1)
    usable = torch.isfinite(rows).all(-1).all(-1)
    rows = torch.where(usable[:, None, None], rows, 0.0)
    # The last four columns of a complete QR of the transpose span the null space.
    basis = torch.linalg.qr(rows.mT, mode="complete")[0][..., 5:].mT.reshape(-1, 4, 3, 3)
    cubics = constraints(basis)
    sample, c = _candidates(cubics)
    c, residual = _polish(cubics[sample], c)
    keep = (residual < _MAX_RESIDUAL) & torch.isfinite(c).all(-1) & usable[sample]
    sample, c = sample[keep], c[keep]
    E = (c[:, None] @ basis[sample].flatten(2)).reshape(-1, 3, 3)
    return E, sample


def _candidates(cubics: Tensor) -> tuple[Tensor, Tensor]:
    """Samples (M,) and coefficients (M, 4) of length one, from the tenth-degree polynomial."""
    reduced, _ = torch.linalg.solve_ex(cubics[..., :10], cubics[..., 10:])
    upper, lower = reduced[:, 4::2], reduced[:, 5::2]  # x2z, y2z, xyz and x2, y2, xy
    # Row of x2z minus z times that of x2, and so on: polynomials in z that multiply x, y and 1.
    P = F.pad(upper[..., :6].unflatten(-1, (2, 3)), (1, 0)) - F.pad(
        lower[..., :6].unflatten(-1, (2, 3)), (0, 1)
    )
    Q = F.pad(upper[..., 6:], (1, 0)) - F.pad(lower[..., 6:], (0, 1))
    x, y, one = P[:, :, 0], P[:, :, 1], Q
    z, ok = real_roots(_determinant(x, y, one))
    sample, slot = ok.nonzero().unbind(1)
    z = z[sample, slot]
    rows = torch.stack([_at(p[sample], z) for p in (x, y, one)], -1)  # M, 3 equations, 3
    crossed = torch.linalg.cross(rows, rows.roll(-1, 1))
    best = crossed.abs().amax(-1).argmax(1)
    v = crossed[torch.arange(len(z), device=z.device), best]
    c = torch.stack([v[:, 0], v[:, 1], z * v[:, 2], v[:, 2]], -1)
    return sample, torch.nan_to_num(F.normalize(c, dim=-1))


def _at(p: Tensor, z: Tensor) -> Tensor:
    """Values (M, 3) of polynomials (M, 3, n + 1) at z (M,)."""
    value = p[..., 0]
    for k in range(1, p.shape[-1]):
        value = value * z[:, None] + p[..., k]
    return value


def _times(p: Tensor, q: Tensor) -> Tensor:
    """Products (B, m + n + 1) of polynomials (B, m + 1) and (B, n + 1)."""
    out = p.new_zeros(len(p), p.shape[1] + q.shape[1] - 1)
    for k in range(p.shape[1]):
        out[:, k : k + q.shape[1]] += p[:, k : k + 1] * q
    return out


def _determinant(x: Tensor, y: Tensor, one: Tensor) -> Tensor:
    """(B, 11) determinant of the 3 x 3 matrix of polynomials whose columns are given."""
    out: Tensor | None = None
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        minor = _times(x[:, i], y[:, j]) - _times(x[:, j], y[:, i])
        term = _times(minor, one[:, k])
        out = term if out is None else out + term
    assert out is not None
    return out


def _polish(cubics: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss-Newton on the cubics over unit vectors (M, 4); also their size (M,)
    before the last step."""
    residual = c.new_zeros(len(c))
    for _ in range(_POLISHING_STEPS):
        J = cubic_slopes(cubics, c)
        r = J @ c[..., None] / 3
        residual = torch.linalg.vector_norm(r[..., 0], dim=-1)
        # The cubics are homogeneous: the length is free, and c c^T holds it.
        H = J.mT @ J + c[:, :, None] * c[:, None]
        step, _ = torch.linalg.solve_ex(H, J.mT @ r)
        c = F.normalize(c - step[..., 0], dim=-1)
    return c, residual
