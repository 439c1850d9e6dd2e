"""Random problems with known solutions for the minimal solvers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.geometry.cross_product import hat
from denseba_ros.solvers.solutions import Solutions


@dataclass(frozen=True)
class Problems:
    """``data`` of a solver and one true solution (B, ...) of each sample."""

    data: tuple[Tensor, ...]
    truth: Tensor


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def _uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, dtype=torch.float64, generator=generator)


def random_motions(generator: torch.Generator, count: int, turn: float) -> Tensor:
    """(count, 4, 4) with translations of length 0.5 and rotations of ``turn`` radians (sigma)."""
    shift = 0.5 * F.normalize(_normal(generator, count, 3), dim=-1)
    return se3.exp(torch.cat([shift, turn * _normal(generator, count, 3)], -1))


def moved(T: Tensor, X: Tensor) -> Tensor:
    """Points (B, N, 3) after motions (B, 4, 4)."""
    return X @ T[:, :3, :3].mT + T[:, None, :3, 3]


def seen_points(generator: torch.Generator, count: int, number: int) -> Tensor:
    """(count, number, 3) points in a field of view of 74 degrees, 2 to 6 deep."""
    places = _uniform(generator, -0.75, 0.75, count, number, 2)
    return F.pad(places, (0, 1), value=1.0) * _uniform(generator, 2, 6, count, number, 1)


def essential(T: Tensor) -> Tensor:
    """E (B, 3, 3) of length one."""
    E = hat(T[:, :3, 3]) @ T[:, :3, :3]
    unit: Tensor = E / torch.linalg.matrix_norm(E, keepdim=True)
    return unit


def five_point_problems(count: int, seed: int = 0) -> Problems:
    """Five points seen by two cameras: normalised image coordinates (B, 5, 2) twice, and E."""
    generator = torch.Generator().manual_seed(seed)
    T = random_motions(generator, count, 0.2)
    X = seen_points(generator, count, 5)
    Y = moved(T, X)
    return Problems((X[..., :2] / X[..., 2:], Y[..., :2] / Y[..., 2:]), essential(T))


def p3p_problems(count: int, seed: int = 0) -> Problems:
    """Three points and their rays, and T_camera_points."""
    generator = torch.Generator().manual_seed(seed)
    T = random_motions(generator, count, 0.5)
    Y = seen_points(generator, count, 3)
    rays = F.normalize(Y, dim=-1) * _uniform(generator, 0.5, 2.0, count, 3, 1)
    return Problems((moved(se3.inverse(T), Y), rays), T)


def registration_problems(count: int, seed: int = 0, number: int = 5) -> Problems:
    """Points before and after a motion with noise, weights, and the motion without the noise."""
    generator = torch.Generator().manual_seed(seed)
    T = random_motions(generator, count, 0.5)
    p = _normal(generator, count, number, 3)
    q = moved(T, p) + 0.02 * _normal(generator, count, number, 3)
    return Problems((p, q, _uniform(generator, 0.5, 1.5, count, number)), T)


def nearest(
    solutions: Solutions, wanted: Tensor, either_sign: bool = False
) -> tuple[Tensor, Tensor]:
    """The solution of each sample that is nearest to the true one (B, ...), and its distance (B,);
    infinite without a solution."""
    values = solutions.values
    if either_sign:
        agree = (values * wanted[:, None]).flatten(2).sum(-1)
        values = values * torch.where(agree < 0, -1.0, 1.0)[..., None, None]
    far = torch.linalg.matrix_norm(values - wanted[:, None]).masked_fill(~solutions.ok, torch.inf)
    distance, index = far.min(1)
    return values[torch.arange(len(index)), index], distance
