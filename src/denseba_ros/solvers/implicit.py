"""Gradients of a solution by the implicit function theorem, whatever found the solution.

Where F(x, y) = 0 defines the solution y of the data x, dy/dx = -(dF/dy)^-1 dF/dx (Krantz, Parks,
"The implicit function theorem", 2003). For minimal solvers: Sumarokov, Rozumnyi, Matas,
"MinBackProp - backpropagating through minimal solvers", 2024.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Residual = Callable[..., Tensor]
Derivative = Callable[..., Tensor]

# With a larger entry than this in the inverse of the scaled Jacobian that counts as singular.
MAX_CONDITION = 1e10


def implicit_solve(
    residual: Residual,
    data: tuple[Tensor, ...],
    solution: Tensor,
    tangent: Derivative | None = None,
    slope: Derivative | None = None,
    sample: Tensor | None = None,
) -> Tensor:
    """``solution`` unchanged, with the gradient that the equations give it.

    Where the Jacobian of the equations is singular the gradient is zero, never NaN.

    Args:
        residual: ``residual(*data, y)`` gives F, (B, d), zero at the solution; differentiable, and
            sample b of it depends on sample b of its arguments only.
        data: tensors (B, ...), those with ``requires_grad`` get a gradient.
        solution: (B, ...) found by any solver; nothing is traced through that.
        tangent: ``tangent(y)`` gives d directions (B, d, ...) in which solutions on a manifold can
            move; without it every entry of the solution is free.
        slope: ``slope(*data, y)`` gives dF/dy, (B, d, ...), where it is known in closed form;
            otherwise it comes from automatic differentiation.
        sample: where samples have several solutions or none, the sample (M,) of the data that each
            of the solutions (M, ...) belongs to.

    Raises:
        ValueError: when there are not as many equations as unknowns.
    """
    solution = solution.detach()
    if not torch.is_grad_enabled() or not any(x.requires_grad for x in data):
        return solution
    solved: Tensor = _Implicit.apply(residual, tangent, slope, sample, solution, *data)  # type: ignore[no-untyped-call]
    return solved


class _Implicit(torch.autograd.Function):
    """Identity forward; backward solves the adjoint system, one per sample."""

    @staticmethod
    def forward(
        ctx: Any,
        residual: Residual,
        tangent: Derivative | None,
        slope: Derivative | None,
        sample: Tensor | None,
        solution: Tensor,
        *data: Tensor,
    ) -> Tensor:
        ctx.residual, ctx.tangent, ctx.slope, ctx.sample = residual, tangent, slope, sample
        ctx.save_for_backward(solution, *data)
        return solution.clone()

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        solution, *data = ctx.saved_tensors
        wanted = ctx.needs_input_grad[5:]
        # A loss often looks at few of the solutions; the others need no work.
        used = gradient.flatten(1).any(1).nonzero()[:, 0]
        rows = used if ctx.sample is None else ctx.sample[used]
        x = [d[rows].detach().requires_grad_(w) for d, w in zip(data, wanted, strict=True)]
        y = solution[used]
        with torch.enable_grad():
            F, J = _linearised(ctx, x, y)
            gradient = gradient[used].flatten(1)
            if ctx.tangent is not None:
                directions = ctx.tangent(y).flatten(2)
                J = J @ directions.mT
                gradient = (directions @ gradient[..., None])[..., 0]
            if F.shape != gradient.shape:
                raise ValueError(f"{F.shape[1]} equations for {gradient.shape[1]} unknowns")
            needed = [d for d, w in zip(x, wanted, strict=True) if w]
            multiplier = _adjoint(J, gradient)
            found = iter(torch.autograd.grad(F, needed, -multiplier, allow_unused=True))
        out: list[Tensor | None] = []
        for d, w in zip(data, wanted, strict=True):
            part = next(found) if w else None
            out.append(None if part is None else torch.zeros_like(d).index_add_(0, rows, part))
        return (None, None, None, None, None, *out)


def _linearised(ctx: Any, x: list[Tensor], y: Tensor) -> tuple[Tensor, Tensor]:
    """F (B, d), connected to the data, and dF/dy (B, d, n)."""
    if ctx.slope is not None:
        with torch.no_grad():
            J = ctx.slope(*x, y).flatten(2)
        return ctx.residual(*x, y), J
    y = y.detach().requires_grad_()
    F = ctx.residual(*x, y)
    return F, _jacobian(F, y)


def _jacobian(F: Tensor, y: Tensor) -> Tensor:
    """dF/dy (B, d, n) of independent samples, one row of every sample at a time."""
    rows = []
    for column in F.unbind(1):
        (row,) = torch.autograd.grad(column.sum(), y, retain_graph=True)
        rows.append(row.flatten(1))
    return torch.stack(rows, 1)


def _adjoint(J: Tensor, gradient: Tensor) -> Tensor:
    """Solve J^T m = gradient (B, d), m = 0 where J is singular or not finite."""
    rows = J.abs().amax(-1)
    finite = torch.isfinite(rows).all(-1)
    eye = torch.eye(J.shape[-1], dtype=J.dtype, device=J.device)
    J = torch.where(finite[:, None, None], J, eye)
    # Equations and unknowns have units of their own: scaled before asking for the condition.
    rows = 1.0 / torch.where(finite[:, None], rows, 1.0).clamp(min=1e-300)
    J = J * rows[..., None]
    columns = 1.0 / J.abs().amax(-2).clamp(min=1e-300)
    inverse, info = torch.linalg.inv_ex(J * columns[:, None])
    # The scaled Jacobian has entries up to one, so the inverse alone tells the condition.
    regular = finite & (info == 0) & (inverse.abs().amax((-1, -2)) < MAX_CONDITION)
    regular = regular & torch.isfinite(gradient).all(-1)
    m = rows * (inverse.mT @ (columns * gradient)[..., None])[..., 0]
    return torch.where(regular[:, None], m, 0.0)
