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
Retraction = Callable[[Tensor, Tensor], Tensor]

# Beyond this product of the norms of the scaled Jacobian and of its inverse it counts as singular.
MAX_CONDITION = 1e10


def implicit_solve(
    residual: Residual,
    data: tuple[Tensor, ...],
    solution: Tensor,
    retract: Retraction | None = None,
    unknowns: int | None = None,
) -> Tensor:
    """``solution`` unchanged, with the gradient that the equations give it.

    Where the Jacobian of the equations is singular the gradient is zero, never NaN.

    Args:
        residual: ``residual(*data, y)`` gives F, (B, d), zero at the solution; differentiable, and
            sample b of it depends on sample b of its arguments only.
        data: tensors (B, ...), those with ``requires_grad`` get a gradient.
        solution: (B, ...) found by any solver; nothing is traced through that.
        retract: ``retract(y, step)`` moves solutions along a step (B, d) in coordinates of their
            manifold, with ``retract(y, 0) = y``; without it the solution is (B, d) and the step is
            added.
        unknowns: d, dimensions of the manifold, needed with ``retract``.

    Raises:
        ValueError: when there are not as many equations as unknowns.
    """
    solution = solution.detach()
    move = retract or torch.add
    count = solution[0].numel() if unknowns is None else unknowns
    if not torch.is_grad_enabled() or not any(x.requires_grad for x in data):
        return solution
    solved: Tensor = _Implicit.apply(residual, move, count, solution, *data)  # type: ignore[no-untyped-call]
    return solved


class _Implicit(torch.autograd.Function):
    """Identity forward; backward solves the adjoint system, one per sample."""

    @staticmethod
    def forward(
        ctx: Any, residual: Residual, move: Retraction, count: int, solution: Tensor, *data: Tensor
    ) -> Tensor:
        ctx.residual, ctx.move, ctx.count = residual, move, count
        ctx.save_for_backward(solution, *data)
        return solution.clone()

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        solution, *data = ctx.saved_tensors
        wanted = ctx.needs_input_grad[4:]
        x = [d.detach().requires_grad_(w) for d, w in zip(data, wanted, strict=True)]
        with torch.enable_grad():
            step = solution.new_zeros(len(solution), ctx.count, requires_grad=True)
            y = ctx.move(solution, step)
            along = torch.autograd.grad(y, step, gradient, retain_graph=True)[0]
            F = ctx.residual(*x, y)
            if F.shape != step.shape:
                raise ValueError(f"{tuple(F.shape)} equations for {tuple(step.shape)} unknowns")
            multiplier = _adjoint(_jacobian(F, step), along)
            needed = [d for d, w in zip(x, wanted, strict=True) if w]
            found = iter(torch.autograd.grad(F, needed, -multiplier, allow_unused=True))
        return (None, None, None, None, *(next(found) if w else None for w in wanted))


def _jacobian(F: Tensor, step: Tensor) -> Tensor:
    """dF/dstep (B, d, d) of independent samples, one row of every sample at a time."""
    d = F.shape[1]
    rows = torch.eye(d, dtype=F.dtype, device=F.device)[:, None].expand(d, *F.shape)
    (out,) = torch.autograd.grad(F, step, rows, retain_graph=True, is_grads_batched=True)
    return out.transpose(0, 1)


def _adjoint(J: Tensor, gradient: Tensor) -> Tensor:
    """Solve J^T m = gradient (B, d), m = 0 where J is singular or not finite."""
    finite = torch.isfinite(J).all(-1).all(-1)
    eye = torch.eye(J.shape[-1], dtype=J.dtype, device=J.device)
    J = torch.where(finite[:, None, None], J, eye)
    # Equations and unknowns have units of their own: scaled before asking for the condition.
    rows = 1.0 / J.abs().amax(-1).clamp(min=1e-300)
    J = J * rows[..., None]
    columns = 1.0 / J.abs().amax(-2).clamp(min=1e-300)
    J = J * columns[:, None]
    inverse, info = torch.linalg.inv_ex(J)
    size = torch.linalg.matrix_norm(J) * torch.linalg.matrix_norm(inverse)
    regular = finite & (info == 0) & (size < MAX_CONDITION) & torch.isfinite(gradient).all(-1)
    m = rows * (inverse.mT @ (columns * gradient)[..., None])[..., 0]
    return torch.where(regular[:, None], m, 0.0)
