"""Motions that minimise the epipolar error of corners, from many initial guesses at once.

Two views of a plane, or with little parallax, can be explained by more than one motion
(Longuet-Higgins, "The reconstruction of a plane surface from two perspective projections", 1986).
The minima from many initial guesses show whether the best one is unique.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Doubles = NDArray[np.float64]

# Errors of tracked corners, pixels: the scale of the robust kernel.
SCALE_PIXELS = 0.7
_ITERATIONS = 12
_SINGULAR = 1e12
# Initial directions of translation; either sign means the same epipolar lines.
_DIRECTIONS = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1], [1, 1, 0],
     [1, -1, 0]], np.float64)  # fmt: skip


@dataclass(frozen=True)
class EpipolarFits:
    """Minima, best first: ``R`` (S, 3, 3) R_second_first, ``t`` (S, 3) t_second_first of length one
    and of either sign, ``cost`` (S,)."""

    R: Doubles
    t: Doubles
    cost: Doubles


def epipolar_fits(
    first: Doubles, second: Doubles, focal: float, initial: Doubles, rotations: Doubles
) -> EpipolarFits:
    """Minima of the epipolar error, by Levenberg-Marquardt on the Sampson distance with a
    Geman-McClure kernel.

    Args:
        first: (M, 3) rays in the first image, z = 1.
        second: (M, 3) corresponding rays in the second image, z = 1; about half may be outliers.
        focal: focal length in pixels.
        initial: (4, 4) T_second_first, an initial guess.
        rotations: (K, 3, 3) R_second_first, further initial guesses, each with all directions.
    """
    t = np.concatenate([initial[None, :3, 3], np.tile(_DIRECTIONS, (len(rotations), 1))])
    t /= np.linalg.norm(t, axis=1, keepdims=True)
    R = np.concatenate([initial[None, :3, :3], np.repeat(rotations, len(_DIRECTIONS), 0)])
    damping = np.full(len(t), 1e-3)
    a, b = np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)
    error, J = _linearised(a, b, R, t, focal)
    cost = _cost(error)
    for _ in range(_ITERATIONS):
        new_R, new_t = _stepped(R, t, error, J, damping)
        new_error, new_J = _linearised(a, b, new_R, new_t, focal)
        new_cost = _cost(new_error)
        better = new_cost < cost
        damping = np.where(better, 0.2 * damping, 10.0 * damping)
        R[better], t[better], cost[better] = new_R[better], new_t[better], new_cost[better]
        error[better], J[better] = new_error[better], new_J[better]
    order = np.argsort(cost, kind="stable")
    return EpipolarFits(R[order], t[order], cost[order])


def sampson(first: Doubles, second: Doubles, R: Doubles, t: Doubles, focal: float) -> Doubles:
    """Signed Sampson distances (M,) in pixels of rays (M, 3), z = 1, for one R_second_first (3, 3)
    and t_second_first (3,) (Hartley, Zisserman, "Multiple view geometry", 2nd ed., eq. 11.9)."""
    return np.asarray(_linearised(first.T, second.T, R[None], t[None], focal)[0][0])


def direction_sigma(
    first: Doubles, second: Doubles, R: Doubles, t: Doubles, focal: float, pixels: float
) -> float:
    """Largest standard deviation of the direction of ``t`` (3,) in degrees.

    ``first``, ``second`` (M, 3) rays with errors of ``pixels``, weighted by the robust kernel;
    infinite if the direction is not observable.
    """
    error, J = _linearised(first.T, second.T, R[None], t[None], focal)
    weighted = J[0] * _weight(error[0])
    H = weighted @ J[0].T
    if np.linalg.cond(H) > _SINGULAR:
        return float("inf")
    covariance = np.linalg.inv(H)[3:, 3:]
    return float(np.degrees(pixels * np.sqrt(np.linalg.eigvalsh(covariance)[-1])))


def robust_cost(error: Doubles) -> Doubles:
    """Geman-McClure kernel of distances in pixels, elementwise, from 0 to 1: mismatches, which may
    be half of all corners, cannot add up against the others.

    Geman, McClure, "Statistical methods for tomographic image reconstruction", Bulletin of the
    International Statistical Institute 52(4), 1987.
    """
    squared = (error / SCALE_PIXELS) ** 2
    return np.asarray(squared / (1.0 + squared))


def _weight(error: Doubles) -> Doubles:
    """Weight of distances in pixels, elementwise, whose squares have that kernel."""
    return np.asarray((1.0 + (error / SCALE_PIXELS) ** 2) ** -2)


def _cost(error: Doubles) -> Doubles:
    return np.asarray(robust_cost(error).sum(1))


def _linearised(
    a: Doubles, b: Doubles, R: Doubles, t: Doubles, focal: float
) -> tuple[Doubles, Doubles]:
    """Distances (S, M), and Jacobians (S, 5, M) by a left rotation of R and two directions
    orthogonal to t.

    Rays a, b (3, M). The denominator of the distance is taken as constant.
    """
    E = _cross(t) @ R
    lines, back, rotated = E @ a, E.transpose(0, 2, 1) @ b, R @ a
    width = np.sqrt(lines[:, 0] ** 2 + lines[:, 1] ** 2 + back[:, 0] ** 2 + back[:, 1] ** 2)
    scale = focal / np.maximum(width, 1e-9)
    # d (b . t x R a) for R <- exp(w) R: b (t . R a) - (b . R a) t.
    along = (t[:, None] @ rotated)[:, 0]
    by_rotation = b * along[:, None] - (b * rotated).sum(1)[:, None] * t[:, :, None]
    u, v = _tangents(t)
    by_direction = [(b * (_cross(axis) @ rotated)).sum(1) for axis in (u, v)]
    J = np.concatenate([by_rotation, np.stack(by_direction, 1)], 1)
    return (b * lines).sum(1) * scale, J * scale[:, None]


def _cross(t: Doubles) -> Doubles:
    """[t]x (S, 3, 3) of vectors (S, 3)."""
    x, y, z = t.T
    out = np.zeros((len(t), 3, 3))
    out[:, 0, 1], out[:, 0, 2], out[:, 1, 2] = -z, y, -x
    out[:, 1, 0], out[:, 2, 0], out[:, 2, 1] = z, -y, x
    return out


def _tangents(t: Doubles) -> tuple[Doubles, Doubles]:
    """Two unit vectors (S, 3) orthogonal to each t (S, 3)."""
    cross = _cross(t)
    u = cross[np.arange(len(t)), :, np.abs(t).argmin(1)]
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return u, (cross @ u[..., None])[..., 0]


def _stepped(
    R: Doubles, t: Doubles, error: Doubles, J: Doubles, damping: Doubles
) -> tuple[Doubles, Doubles]:
    """R (S, 3, 3) and t (S, 3) after one damped step each."""
    weighted = J * _weight(error)[:, None]
    H = weighted @ J.transpose(0, 2, 1)
    b = (weighted @ error[:, :, None])[:, :, 0]
    diagonal = np.einsum("sii->si", H)
    H = H + np.eye(5) * (damping[:, None] * diagonal + 1e-9)[:, None]
    step = -np.linalg.solve(H, b[..., None])[..., 0]
    new_R = Rotation.from_rotvec(step[:, :3]).as_matrix() @ R
    u, v = _tangents(t)
    new_t = t + step[:, 3:4] * u + step[:, 4:] * v
    return new_R, new_t / np.linalg.norm(new_t, axis=1, keepdims=True)
