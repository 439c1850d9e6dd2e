"""The implicit gradient on equations whose solution is known in closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from denseba_ros.solvers.implicit import implicit_solve


def squares(x: Tensor, y: Tensor) -> Tensor:
    return y * y - x


def test_gradient_of_the_square_root() -> None:
    x = torch.rand(50, 3, dtype=torch.float64) + 0.5
    x.requires_grad_()
    y = implicit_solve(squares, (x,), x.detach().sqrt())
    (gradient,) = torch.autograd.grad((y * y.detach()).sum(), x)
    torch.testing.assert_close(gradient, torch.full_like(gradient, 0.5))


def test_gradient_of_a_linear_system_reaches_matrix_and_side() -> None:
    A = torch.randn(20, 4, 4, dtype=torch.float64, requires_grad=True)
    b = torch.randn(20, 4, dtype=torch.float64, requires_grad=True)
    direct = torch.linalg.solve(A, b)
    solved = implicit_solve(lambda A, b, y: (A @ y[..., None])[..., 0] - b, (A, b), direct.detach())
    weight = torch.randn_like(direct)
    expected = torch.autograd.grad((direct * weight).sum(), (A, b))
    found = torch.autograd.grad((solved * weight).sum(), (A, b))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def test_manifold_of_rotations() -> None:
    """The angle of a vector in the plane, as a rotation that turns the x axis to it."""
    v = torch.randn(30, 2, dtype=torch.float64, requires_grad=True)

    def rotation(angle: Tensor) -> Tensor:
        c, s = torch.cos(angle), torch.sin(angle)
        return torch.stack([c, -s, s, c], -1).reshape(-1, 2, 2)

    def turning(R: Tensor) -> Tensor:
        return (R @ torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=R.dtype))[:, None]

    def misalignment(v: Tensor, R: Tensor) -> Tensor:
        return (R[:, 0, 0] * v[:, 1] - R[:, 1, 0] * v[:, 0])[:, None]

    angle = torch.atan2(v[:, 1], v[:, 0])
    R = implicit_solve(misalignment, (v,), rotation(angle.detach()), turning)
    weight = torch.randn(30, 2, 2, dtype=torch.float64)
    (found,) = torch.autograd.grad((R * weight).sum(), v)
    (expected,) = torch.autograd.grad((rotation(angle) * weight).sum(), v)
    torch.testing.assert_close(found, expected)


def test_singular_and_broken_samples_get_zero_and_spare_the_others() -> None:
    x = torch.tensor([[4.0], [0.0], [torch.nan], [9.0]], dtype=torch.float64, requires_grad=True)
    y = implicit_solve(squares, (x,), torch.nan_to_num(x.detach()).sqrt())
    (gradient,) = torch.autograd.grad(y.sum(), x)
    expected = torch.tensor([[1 / 4], [0.0], [0.0], [1 / 6]], dtype=torch.float64)
    torch.testing.assert_close(gradient, expected)


def test_units_do_not_make_a_system_singular() -> None:
    x = torch.tensor([[4.0, 9.0]], dtype=torch.float64, requires_grad=True)
    units = torch.tensor([1e9, 1e-9], dtype=torch.float64)
    y = implicit_solve(lambda x, y: units * (y * y - x), (x,), x.detach().sqrt())
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, torch.tensor([[1 / 4, 1 / 6]], dtype=torch.float64))


def test_several_solutions_of_one_sample_and_a_slope_in_closed_form() -> None:
    x = torch.tensor([[4.0], [9.0], [1.0]], dtype=torch.float64, requires_grad=True)
    roots = torch.tensor([[2.0], [-2.0], [3.0]], dtype=torch.float64)
    sample = torch.tensor([0, 0, 1])
    y = implicit_solve(squares, (x,), roots, slope=lambda x, y: 2 * y[..., None], sample=sample)
    (gradient,) = torch.autograd.grad((y * torch.tensor([[1.0], [3.0], [6.0]])).sum(), x)
    expected = torch.tensor([[1 / 4 - 3 / 4], [1.0], [0.0]], dtype=torch.float64)
    torch.testing.assert_close(gradient, expected)


def test_without_gradient_the_solution_is_plain() -> None:
    y = implicit_solve(squares, (torch.ones(2, 1),), torch.ones(2, 1))
    assert not y.requires_grad


def test_wrong_number_of_equations() -> None:
    x = torch.ones(2, 1, requires_grad=True)
    y = implicit_solve(lambda x, y: torch.cat([x - y, x - y], 1), (x,), torch.ones(2, 1))
    with pytest.raises(ValueError, match="equations"):
        y.sum().backward()
