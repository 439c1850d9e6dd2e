"""Gradient of the five-point solution as a declarative node, for comparison with the implicit one.

Gould, Hartley, Campbell, "Deep declarative networks", PAMI 2021, proposition 4.6: the solution
minimises the squared epipolar residuals over matrices of length one that are essential; its
gradient comes from the second derivatives of the Lagrangian. They are taken by automatic
differentiation and never formed by the data, only their product with the adjoint.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from denseba_ros.solvers.essential_manifold import epipolar_residual
from denseba_ros.solvers.five_point import homogeneous, scatter_solutions, solve_five_point
from denseba_ros.solvers.solutions import Solutions


def declarative_five_point(first: Tensor, second: Tensor) -> Solutions:
    """As ``five_point``, with the gradient of the declarative node."""
    a, b = homogeneous(first), homogeneous(second)
    with torch.no_grad():
        E, sample = solve_five_point(a.detach(), b.detach())
    E = _Declarative.apply(a[sample], b[sample], E)  # type: ignore[no-untyped-call]
    return scatter_solutions(E, sample, len(a), 10)


def _objective(a: Tensor, b: Tensor, E: Tensor) -> Tensor:
    return epipolar_residual(a, b, E).square().sum(-1)


def _constraints(y: Tensor) -> Tensor:
    """(B, 10) equations of essential matrices of length one; four of them are independent."""
    E = y.reshape(-1, 3, 3)
    product = E @ E.mT
    trace = product.diagonal(dim1=-2, dim2=-1).sum(-1)
    essential = 2 * product @ E - trace[:, None, None] * E
    return torch.cat([essential.flatten(1), trace[:, None] - 1], 1)


class _Declarative(torch.autograd.Function):
    """Identity on E forward; the adjoint of the optimality conditions backward."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, E: Tensor) -> Tensor:
        ctx.save_for_backward(a, b, E)
        return E.clone()

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        used = gradient.flatten(1).ne(0).any(1).nonzero()[:, 0]
        a, b, E = (x[used].detach().requires_grad_() for x in ctx.saved_tensors)
        with torch.enable_grad():
            y = E.flatten(1)
            f = _objective(a, b, y.reshape(-1, 3, 3))
            (slope,) = torch.autograd.grad(f.sum(), y, create_graph=True)
            h = _constraints(y)
            A = _rows(h, y, create_graph=True)
            multiplier = _least_squares(A.detach().mT, slope.detach())
            held = (A * multiplier[..., None]).sum(1)
            H = _rows(slope - held, y, create_graph=False)
            adjoint = _saddle_point(H, A.detach(), gradient[used].flatten(1))
            found = torch.autograd.grad((slope * adjoint).sum(), (a, b))
        out = [torch.zeros_like(x) for x in ctx.saved_tensors[:2]]
        return -out[0].index_copy(0, used, found[0]), -out[1].index_copy(0, used, found[1]), None


def _rows(F: Tensor, y: Tensor, create_graph: bool) -> Tensor:
    """dF/dy (B, m, n) of independent samples."""
    m = F.shape[1]
    pick = torch.eye(m, dtype=F.dtype, device=F.device)[:, None].expand(m, *F.shape)
    (out,) = torch.autograd.grad(
        F, y, pick, retain_graph=True, create_graph=create_graph, is_grads_batched=True
    )
    return out.transpose(0, 1)


def _least_squares(A: Tensor, b: Tensor) -> Tensor:
    """Smallest x (B, n) with A x = b in the least squares sense."""
    x: Tensor = torch.linalg.pinv(A, rtol=1e-10) @ b[..., None]
    return x[..., 0]


def _saddle_point(H: Tensor, A: Tensor, gradient: Tensor) -> Tensor:
    """First part of the solution of [[H, A^T], [A, 0]] (p, q) = (gradient, 0)."""
    n, m = H.shape[-1], A.shape[-2]
    K = H.new_zeros(len(H), n + m, n + m)
    K[:, :n, :n], K[:, :n, n:], K[:, n:, :n] = H, A.mT, A
    side = torch.cat([gradient, gradient.new_zeros(len(H), m)], -1)
    # The constraints depend on each other, so the system is singular but consistent.
    solution: Tensor = torch.linalg.pinv(K, rtol=1e-10, hermitian=True) @ side[..., None]
    return solution[:, :n, 0]
