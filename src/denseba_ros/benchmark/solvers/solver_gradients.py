"""The three gradients of the five-point solver on one training step, with the same samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from denseba_ros.benchmark.solvers.minimal_problems import (
    essential,
    moved,
    random_motions,
    seen_points,
)
from denseba_ros.benchmark.timing import Timing, measure
from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.matching.sampling import draw_samples, take
from denseba_ros.solvers.five_point import five_point, homogeneous
from denseba_ros.solvers.five_point_declarative import declarative_five_point
from denseba_ros.solvers.five_point_traced import traced_five_point
from denseba_ros.solvers.solutions import Solutions

_OUTLIERS = 0.3
# Matches that are there twice, as from two scales: samples with both are degenerate.
_REPEATED = 8
_NOISE = 1e-3
# A gradient agrees with the implicit one within this share of its length.
_AGREES = 1e-3
_LOSS_CAP = 1e-4

Solver = Callable[[Tensor, Tensor], Solutions]
METHODS: dict[str, Solver] = {
    "implicit": five_point,
    "autograd": traced_five_point,
    "DDN": declarative_five_point,
}


@dataclass(frozen=True)
class Pairs:
    """Matches ``first`` and ``second`` (P, N, 2), normalised, true E (P, 3, 3), weights' logits
    (P, N) and the drawn ``index`` (P, S, 5)."""

    first: Tensor
    second: Tensor
    E: Tensor
    logits: Tensor
    index: Tensor


@dataclass(frozen=True)
class GradientResult:
    """One method: forward and backward times of the step, times of the solver's own backward,
    share of samples with a finite gradient, and share that agrees with the implicit one."""

    name: str
    forward: Timing
    backward: Timing
    solver_backward: Timing
    finite: float
    agrees: float

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "forward": self.forward.as_json(),
            "backward": self.backward.as_json(),
            "solver_backward": self.solver_backward.as_json(),
            "finite": self.finite,
            "agrees": self.agrees,
        }


def make_pairs(pairs: int, samples: int, device: torch.device, matches: int = 200) -> Pairs:
    """Two views of random points with noise, outliers and repeated matches."""
    generator = torch.Generator().manual_seed(0)
    T = random_motions(generator, pairs, 0.2)
    X = seen_points(generator, pairs, matches)
    Y = moved(T, X)
    first, second = X[..., :2] / X[..., 2:], Y[..., :2] / Y[..., 2:]
    second = second + _NOISE * torch.randn(second.shape, generator=generator, dtype=torch.float64)
    wrong = int(_OUTLIERS * matches)
    second[:, :wrong] = second[:, :wrong].roll(1, 1)
    first[:, -_REPEATED:] = first[:, -2 * _REPEATED : -_REPEATED]
    second[:, -_REPEATED:] = second[:, -2 * _REPEATED : -_REPEATED]
    logits = torch.randn(pairs, matches, generator=generator, dtype=torch.float64)
    logits[:, :wrong] -= 3.0
    index, _ = draw_samples(logits, samples, 5, generator)
    return Pairs(*(x.to(device) for x in (first, second, essential(T), logits, index)))


def run_gradients(pairs: Pairs, repeat: int) -> list[GradientResult]:
    """All methods on the same pairs and samples."""
    reference = _point_gradients(five_point, pairs)
    return [_run(name, solver, pairs, reference, repeat) for name, solver in METHODS.items()]


def _run(name: str, solver: Solver, pairs: Pairs, reference: Tensor, repeat: int) -> GradientResult:
    device = pairs.first.device
    logits = pairs.logits.clone().requires_grad_()
    forward = measure(lambda: _loss(_solve(solver, pairs, logits), pairs), device, repeat, name)
    solved = _solve(solver, pairs, logits)
    loss = _loss(solved, pairs)
    backward = measure(
        lambda: torch.autograd.grad(loss, logits, retain_graph=True), device, repeat, name
    )
    weight = torch.ones_like(solved.E) * solved.chosen[..., None, None]
    alone = measure(
        lambda: torch.autograd.grad(solved.E, solved.points, weight, retain_graph=True),
        device,
        repeat,
        name,
    )
    gradient = _point_gradients(solver, pairs)
    finite = torch.isfinite(gradient).all(-1)
    size = torch.linalg.vector_norm(reference, dim=-1)
    near = torch.linalg.vector_norm(gradient - reference, dim=-1) < _AGREES * size
    return GradientResult(
        name, forward, backward, alone, _share(finite), _share((near & finite)[size > 0])
    )


def _share(mask: Tensor) -> float:
    return float(mask.double().mean())


@dataclass(frozen=True)
class _Solved:
    """Solutions E (P S, 10, 3, 3) of the drawn ``points``, and which one of each sample is nearest
    to the truth, ``chosen`` (P S, 10), none where there is none."""

    E: Tensor
    points: tuple[Tensor, Tensor]
    chosen: Tensor


def _solve(solver: Solver, pairs: Pairs, logits: Tensor) -> _Solved:
    samples = pairs.index.shape[1]
    share = torch.softmax(logits, -1)[:, None].expand(-1, samples, -1).gather(-1, pairs.index)
    factor = (1.0 + share - share.detach())[..., None]
    first = (take(pairs.first, pairs.index) * factor).flatten(0, 1)
    second = (take(pairs.second, pairs.index) * factor).flatten(0, 1)
    E, ok = solver(first, second)
    truth = pairs.E.repeat_interleave(samples, 0)[:, None]
    away = torch.minimum(torch.linalg.matrix_norm(E - truth), torch.linalg.matrix_norm(E + truth))
    best = away.masked_fill(~ok, torch.inf).argmin(1, keepdim=True)
    chosen = torch.zeros_like(ok).scatter_(1, best, True) & ok
    return _Solved(E, (first, second), chosen)


def _loss(solved: _Solved, pairs: Pairs) -> Tensor:
    """Mean over all samples of the capped Sampson error of all matches to the chosen solution."""
    pair = solved.chosen.nonzero()[:, 0] // pairs.index.shape[1]
    first, second = homogeneous(pairs.first)[pair], homogeneous(pairs.second)[pair]
    error = sampson_squared(solved.E[solved.chosen], first, second)
    return error.clamp(max=_LOSS_CAP).mean() / _LOSS_CAP


def _point_gradients(solver: Solver, pairs: Pairs) -> Tensor:
    """(P S, 20) gradient of the loss by the points of every sample."""
    solved = _solve(solver, pairs, pairs.logits.clone().requires_grad_())
    found = torch.autograd.grad(_loss(solved, pairs), solved.points)
    return torch.cat([g.flatten(1) for g in found], 1)
