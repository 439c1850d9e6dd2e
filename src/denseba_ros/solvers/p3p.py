"""Camera pose from three points and their rays, with an implicit gradient.

Grunert's quartic in the form of Haralick, Lee, Ottenberg, Nolle, "Review and analysis of
solutions of the three point perspective pose estimation problem", IJCV 1994, equation (9). The
distances are then polished on the law of cosines itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.solvers.five_point import scatter_solutions
from denseba_ros.solvers.implicit import implicit_solve
from denseba_ros.solvers.polynomial import real_roots
from denseba_ros.solvers.registration import rigid, rigid_tangent
from denseba_ros.solvers.solutions import Solutions

_POLISHING_STEPS = 3
# Relative error of the squared sides that a solution may have before the last polishing step.
_MAX_RESIDUAL = 1e-5
# Pairs of points: sides a, b, c of the triangle, opposite to points 0, 1, 2.
_ONE, _OTHER = [1, 0, 0], [2, 2, 1]


def p3p(points: Tensor, rays: Tensor) -> Solutions:
    """Poses that see ``points`` (B, 3, 3) along ``rays`` (B, 3, 3) of any length, in front.

    Gradients reach both. Returns T_camera_points (B, 4, 4, 4) and ok (B, 4).
    """
    X, f = points.double(), rays.double()
    with torch.no_grad():
        T, sample = _solve(X.detach(), F.normalize(f.detach(), dim=-1))
    T = implicit_solve(viewing_residual, (X, f), T, rigid_tangent, sample=sample)
    return scatter_solutions(T, sample, len(X), 4)


def _solve(X: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """All poses (M, 4, 4) and their samples (M,), in order, for unit rays."""
    sides = (X[:, _ONE] - X[:, _OTHER]).square().sum(-1)
    cosines = (f[:, _ONE] * f[:, _OTHER]).sum(-1)
    size = sides.mean(-1, keepdim=True)
    squares = sides / size
    v, ok = real_roots(_quartic(squares, cosines))
    sample, slot = ok.nonzero().unbind(1)
    distances, error = _distances(v[sample, slot], squares[sample], cosines[sample])
    distances = distances * size[sample].sqrt()
    T = _align(X[sample], distances[..., None] * f[sample])
    keep = (error < _MAX_RESIDUAL) & (distances > 0).all(-1) & torch.isfinite(T).all(-1).all(-1)
    return T[keep], sample[keep]


def _quartic(squares: Tensor, cosines: Tensor) -> Tensor:
    """(B, 5) coefficients in v = (distance of point 2) / (distance of point 0)."""
    a, b, c = squares.unbind(-1)
    ca, cb, cg = cosines.unbind(-1)
    d, s, cc, aa = (a - c) / b, (a + c) / b, c / b, a / b
    return torch.stack(
        [
            (d - 1) ** 2 - 4 * cc * ca**2,
            4 * (d * (1 - d) * cb - (1 - s) * ca * cg + 2 * cc * ca**2 * cb),
            2
            * (
                d**2
                - 1
                + 2 * d**2 * cb**2
                + 2 * (1 - cc) * ca**2
                - 4 * s * ca * cb * cg
                + 2 * (1 - aa) * cg**2
            ),
            4 * (-d * (1 + d) * cb + 2 * aa * cg**2 * cb - (1 - s) * ca * cg),
            (1 + d) ** 2 - 4 * aa * cg**2,
        ],
        -1,
    )


def _distances(v: Tensor, squares: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (M, 3) along the rays in the unit of the sides, and the error (M,) they left
    before the last of the Newton steps on the three sides."""
    a, b, c = squares.unbind(-1)
    ca, cb, cg = cosines.unbind(-1)
    d = (a - c) / b
    u = ((d - 1) * v * v - 2 * d * cb * v + 1 + d) / (2 * (cg - v * ca))
    first = (b / (1 + v * v - 2 * v * cb).clamp(min=1e-300)).sqrt()
    s = torch.stack([first, u * first, v * first], -1)
    error = s.new_zeros(len(s))
    for _ in range(_POLISHING_STEPS):
        p, q = s[:, _ONE], s[:, _OTHER]
        r = p * p + q * q - 2 * p * q * cosines - squares
        error = r.abs().amax(-1)
        J = torch.zeros(len(s), 3, 3, dtype=s.dtype, device=s.device)
        J[:, [0, 1, 2], _ONE] = 2 * (p - q * cosines)
        J[:, [0, 1, 2], _OTHER] = 2 * (q - p * cosines)
        step, _ = torch.linalg.solve_ex(J, r[..., None])
        s = s - step[..., 0]
    return s, torch.nan_to_num(error, torch.inf)


def _align(X: Tensor, Y: Tensor) -> Tensor:
    """MotionModel (M, 4, 4) that take triangles X (M, 3, 3) to the congruent Y."""
    R = _frame(Y) @ _frame(X).mT
    t = Y.mean(1) - (R @ X.mean(1)[..., None])[..., 0]
    return rigid(R, t)


def _frame(X: Tensor) -> Tensor:
    """Right-handed orthonormal columns (M, 3, 3) that turn with the triangle X (M, 3, 3)."""
    x = F.normalize(X[:, 1] - X[:, 0], dim=-1)
    z = F.normalize(torch.linalg.cross(x, X[:, 2] - X[:, 0]), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], -1)


def viewing_residual(X: Tensor, f: Tensor, T: Tensor) -> Tensor:
    """(B, 6) parts of each point in the camera across its ray; zero where the ray meets it."""
    Y = X @ T[:, :3, :3].mT + T[:, None, :3, 3]
    across = torch.linalg.cross(f, Y)
    # The cross product has no part along the ray: two directions at a right angle to it tell all.
    ray = F.normalize(f.detach(), dim=-1)
    axis = F.one_hot(ray.abs().argmin(-1), 3).to(ray.dtype)
    u = F.normalize(torch.linalg.cross(ray, axis), dim=-1)
    w = torch.linalg.cross(ray, u)
    return torch.stack([(u * across).sum(-1), (w * across).sum(-1)], -1).flatten(1)
