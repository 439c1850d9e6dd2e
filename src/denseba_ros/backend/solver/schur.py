"""Schur complement: eliminate the diagonal depths, solve the frames, substitute back.

Triggs, McLauchlan, Hartley, Fitzgibbon, "Bundle adjustment - a modern synthesis", 1999.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.problem import FRAME_DOF
from denseba_ros.backend.solver.normal_equations import LinearSystem
from denseba_ros.backend.solver.schur_loops import eliminate_pieces
from denseba_ros.parallel import parallel_for

# Points with less information than this (one over squared inverse depth) have none.
_MIN_INFORMATION = 1e-9
# Points of one block, whose sums are added up in order.
_ROWS = 1024


@dataclass(frozen=True)
class Step:
    """Gauss-Newton step: ``frames`` (K, 8) float64, ``depths`` (K, N) float32; ``ok`` scalar bool,
    false when the reduced system was not positive definite (then the step is zero)."""

    frames: Tensor
    depths: Tensor
    ok: Tensor


def reduce(system: LinearSystem, damping: float) -> tuple[Tensor, Tensor]:
    """Reduced Hessian (8K, 8K) and gradient (8K,) float64 after eliminating the depths.

    ``damping`` is relative to the depths' diagonal.
    """
    points = (system.H_mixed.flatten(0, 1), system.H_depth.flatten(), system.b_depth.flatten())
    is_compiled = system.H.device.type == "cpu" and system.H_mixed.dtype == torch.float32
    eliminate = _eliminate_on_cpu if is_compiled else _eliminate_at_once
    H, b = eliminate(system.H, system.b, *points, damping)
    return 0.5 * (H + H.T), b


def _eliminate_on_cpu(
    H: Tensor, b: Tensor, mixed: Tensor, H_depth: Tensor, b_depth: Tensor, damping: float
) -> tuple[Tensor, Tensor]:
    """H and b after eliminating the points, by a compiled loop; the sums do not depend on the
    number of threads."""
    pieces, size = -(-len(mixed) // _ROWS), mixed.shape[1]
    of_H, of_b = np.zeros((pieces, size, size)), np.zeros((pieces, size))
    points = (p.contiguous().numpy() for p in (mixed, H_depth, b_depth))
    parallel_for(eliminate_pieces, pieces, _ROWS, *points, damping, _MIN_INFORMATION, of_H, of_b)
    upper = torch.from_numpy(np.triu(of_H.sum(0)))
    return H - upper - upper.triu(1).T, b - torch.from_numpy(of_b.sum(0))


def _eliminate_at_once(
    H: Tensor, b: Tensor, mixed: Tensor, H_depth: Tensor, b_depth: Tensor, damping: float
) -> tuple[Tensor, Tensor]:
    """The same on any device and in any precision, with all blocks at once: that fills a GPU."""
    E, rest = _whitened(mixed, H_depth, b_depth, damping)
    missing = -len(E) % _ROWS
    E = torch.nn.functional.pad(E, (0, 0, 0, missing)).reshape(-1, _ROWS, mixed.shape[1])
    rest = torch.nn.functional.pad(rest, (0, missing)).reshape(-1, _ROWS, 1)
    return H - (E.mT @ E).sum(0), b - (E.mT @ rest).sum(0)[:, 0]


def _whitened(
    mixed: Tensor, H_depth: Tensor, b_depth: Tensor, damping: float
) -> tuple[Tensor, Tensor]:
    """Mixed terms and gradient over the root of the points' own information, in float64: what is
    left is the difference of two large sums, and would not be positive definite in float32."""
    root = (H_depth.double() * (1 + damping)).clamp(min=_MIN_INFORMATION).rsqrt()
    return mixed.double() * root[:, None], b_depth.double() * root


def solve(system: LinearSystem, damping: float) -> Step:
    """One Gauss-Newton step with ``damping`` relative to the diagonal; no host synchronisation."""
    H, b = reduce(system, damping)
    # Jacobi scaling keeps metres, radians and grey levels comparable for the Cholesky factor.
    scale = H.diagonal().clamp(min=1e-12).rsqrt()
    A = H * scale[:, None] * scale[None]
    A = A + damping * torch.eye(len(b), dtype=A.dtype, device=A.device)
    factor, info = torch.linalg.cholesky_ex(A)
    x = -torch.cholesky_solve((b * scale)[:, None], factor)[:, 0] * scale
    ok = (info == 0) & torch.isfinite(x).all()
    x = torch.where(ok, x, torch.zeros_like(x))
    depths = _substitute(system, x, damping)
    return Step(x.reshape(-1, FRAME_DOF), torch.where(ok, depths, torch.zeros_like(depths)), ok)


def _substitute(system: LinearSystem, x: Tensor, damping: float) -> Tensor:
    """Depth steps (K, N) that belong to the frames' step x (8K,)."""
    inverse = 1.0 / (system.H_depth * (1 + damping)).clamp(min=_MIN_INFORMATION)
    return -inverse * (system.b_depth + system.H_mixed @ x.to(system.H_mixed.dtype))
