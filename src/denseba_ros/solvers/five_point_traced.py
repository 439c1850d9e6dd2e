"""The five-point solver for automatic differentiation: what the implicit gradient is compared with.

The same polynomial system, solved as an eigenvalue problem, every step of which torch can
differentiate (Stewenius, Engels, Nister, "Recent developments on direct relative orientation",
ISPRS 2006). The null space is written so that its derivative exists: that of an SVD does not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.solvers.essential_manifold import epipolar_slope
from denseba_ros.solvers.essential_polynomials import MONOMIALS, constraints
from denseba_ros.solvers.five_point import homogeneous
from denseba_ros.solvers.solutions import Solutions

_CUBIC = [k for k, m in enumerate(MONOMIALS) if sum(m) == 3]
_LOWER = [k for k, m in enumerate(MONOMIALS) if sum(m) < 3]
_MAX_IMAGINARY = 1e-8


def traced_five_point(first: Tensor, second: Tensor) -> Solutions:
    """As ``five_point``, with gradients through every step of the solver."""
    rows = F.normalize(epipolar_slope(homogeneous(first), homogeneous(second)).flatten(2), dim=-1)
    spanned = torch.linalg.qr(rows.mT).Q
    null = torch.linalg.qr(rows.mT.detach(), mode="complete").Q[..., 5:]
    # The projection changes no value, but moves the null vectors along with the data.
    basis = (null - spanned @ (spanned.mT @ null)).mT.reshape(-1, 4, 3, 3)
    cubics = constraints(basis)
    reduced, info = torch.linalg.solve_ex(cubics[..., _CUBIC], cubics[..., _LOWER])
    action = _times_x(reduced)
    regular = (info == 0) & torch.isfinite(action).all(-1).all(-1)
    eye = torch.eye(10, dtype=action.dtype, device=action.device)
    values, vectors = torch.linalg.eig(torch.where(regular[:, None, None], action, eye))
    ok = regular[:, None] & (values.imag.abs() < _MAX_IMAGINARY * (1 + values.abs()))
    scale = vectors[:, _LOWER.index(MONOMIALS.index((0, 0, 0)))]
    places = [_LOWER.index(MONOMIALS.index(m)) for m in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    xyz = (vectors[:, places] / scale[:, None]).real.mT
    E = (F.pad(xyz, (0, 1), value=1.0) @ basis.flatten(2)).reshape(-1, 10, 3, 3)
    return Solutions(E / torch.linalg.matrix_norm(E, keepdim=True), ok)


def _times_x(reduced: Tensor) -> Tensor:
    """(B, 10, 10) that takes the lower monomials to their products with x, modulo the cubics."""
    rows = []
    for column in _LOWER:
        x, y, z = MONOMIALS[column]
        target = MONOMIALS.index((x + 1, y, z))
        if target in _CUBIC:
            rows.append(-reduced[:, _CUBIC.index(target)])
        else:
            rows.append(
                F.one_hot(torch.tensor(_LOWER.index(target)), 10)
                .to(reduced)
                .expand(len(reduced), 10)
            )
    return torch.stack(rows, 1)
