"""Real roots of random, clustered and degenerate polynomials."""

from __future__ import annotations

import math

import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from denseba_ros.solvers.polynomial import real_roots


def companion_roots(c: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (B, n) of the companion matrices, and which of them are real."""
    n = c.shape[1] - 1
    matrix = torch.diag_embed(torch.ones(len(c), n - 1, dtype=c.dtype), -1)
    matrix[:, 0] = -c[:, 1:] / c[:, :1]
    values = torch.linalg.eigvals(matrix)
    return values.real, values.imag.abs() < 1e-8 * (1 + values.abs())


def expanded(roots: Tensor) -> Tensor:
    """Coefficients (B, n + 1) of polynomials with the given roots (B, n)."""
    c = torch.ones(len(roots), 1, dtype=roots.dtype)
    for root in roots.T:
        padded = torch.cat([c, torch.zeros_like(c[:, :1])], 1)
        padded[:, 1:] -= c * root[:, None]
        c = padded
    return c


def test_random_polynomials_agree_with_eigenvalues() -> None:
    for degree in (3, 4, 10):
        binomial = torch.tensor([math.comb(degree, k) ** 0.5 for k in range(degree + 1)])
        c = torch.randn(3000, degree + 1, dtype=torch.float64) * binomial
        expected, real = companion_roots(c)
        found, ok = real_roots(c)
        distance = (expected[..., None] - found[:, None]).abs().masked_fill(~ok[:, None], torch.inf)
        error = distance.amin(-1) / (1 + expected.abs())
        assert int(ok.sum()) == int(real.sum())
        assert float(error[real].max()) < 1e-9


@given(st.lists(st.floats(-4, 4), min_size=2, max_size=6, unique=True))
def test_chosen_roots_come_back(roots: list[float]) -> None:
    wanted = torch.tensor(sorted(roots), dtype=torch.float64)
    assume(float((wanted[1:] - wanted[:-1]).min()) > 0.1)
    # Where the two halves of the line meet a root may be lost to rounding.
    assume(float((wanted.abs() - 1.0927).abs().min()) > 1e-9)
    found, ok = real_roots(expanded(wanted[None]))
    assert int(ok.sum()) == len(wanted)
    torch.testing.assert_close(found[ok].sort().values, wanted, rtol=1e-6, atol=1e-6)


def test_zero_and_infinite_roots() -> None:
    # z^2 - z as a cubic without its leading term: the third root is at infinity.
    found, ok = real_roots(torch.tensor([[0.0, 1.0, -1.0, 0.0]], dtype=torch.float64))
    near = found[ok & (found.abs() < 1e6)]
    torch.testing.assert_close(near.sort().values, torch.tensor([0.0, 1.0], dtype=torch.float64))


def test_useless_polynomials_have_no_roots() -> None:
    c = torch.tensor([[0.0] * 5, [1.0, 0, 0, 0, 1.0], [1.0, torch.nan, 0, 0, -1.0]]).double()
    found, ok = real_roots(c)
    assert not bool(ok.any())
    assert bool((found == 0).all())
