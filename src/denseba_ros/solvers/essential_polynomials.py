"""The polynomial system of the five-point problem.

E is a combination of four null vectors; rank and equal singular values give ten cubics in the
coefficients (Nister, "An efficient solution to the five-point relative pose problem", PAMI 2004;
Stewenius, Engels, Nister, ISPRS 2006, for the same system in matrix form).
"""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, product

import torch
from torch import Tensor

# Exponents of (x, y, z); w = 1 fills up to the third degree. The first ten are eliminated, the
# others are (x, y, 1) times powers of z: Nister's order.
MONOMIALS = (
    (3, 0, 0), (0, 3, 0), (2, 1, 0), (1, 2, 0), (2, 0, 1), (2, 0, 0), (0, 2, 1), (0, 2, 0),
    (1, 1, 1), (1, 1, 0), (1, 0, 2), (1, 0, 1), (1, 0, 0), (0, 1, 2), (0, 1, 1), (0, 1, 0),
    (0, 0, 3), (0, 0, 2), (0, 0, 1), (0, 0, 0),
)  # fmt: skip


def cubic_slopes(cubics: Tensor, c: Tensor) -> Tensor:
    """Derivatives (M, 10, 4) of ``cubics`` (M, 10, 20) by ``c`` = (x, y, z, w), (M, 4).

    By Euler's theorem the values are a third of their products with ``c``.
    """
    first, second = _pairs(c.device)
    slopes = (c[:, first] * c[:, second]) @ _derivative(c.device)
    return cubics @ slopes.reshape(-1, 4, 20).mT


def constraints(basis: Tensor) -> Tensor:
    """Coefficients (B, 10, 20) of the ten cubics for null vectors ``basis`` (B, 4, 3, 3).

    Nine from 2 E E^T E - trace(E E^T) E = 0, one from det E = 0.
    """
    b = len(basis)
    products = basis[:, :, None] @ basis[:, None].mT  # B, 4, 4, 3, 3
    trace = products.diagonal(dim1=-2, dim2=-1).sum(-1)
    eye = torch.eye(3, dtype=basis.dtype, device=basis.device)
    products = 2 * products - trace[..., None, None] * eye
    stacked = basis.transpose(1, 2).reshape(b, 3, 12)
    cubics = (products.reshape(b, 48, 3) @ stacked).reshape(b, 4, 4, 3, 4, 3)
    cubics = cubics.permute(0, 3, 5, 1, 2, 4).reshape(b, 9, 64)
    top = torch.linalg.cross(basis[:, :, None, 1], basis[:, None, :, 2])  # B, 4, 4, 3
    det = basis[:, :, 0] @ top.reshape(b, 16, 3).mT
    return torch.cat([cubics, det.reshape(b, 1, 64)], 1) @ _symmetric(basis.device)


@cache
def _pairs(device: torch.device) -> tuple[Tensor, Tensor]:
    """(10,) and (10,) the two variables of each quadratic monomial."""
    pairs = torch.tensor(list(combinations_with_replacement(range(4), 2)), device=device)
    return pairs[:, 0].contiguous(), pairs[:, 1].contiguous()


@cache
def _derivative(device: torch.device) -> Tensor:
    """(10, 80) derivatives of the 20 cubic monomials by 4 variables in quadratic monomials."""
    quadratics = [
        tuple(pair.count(k) for k in range(4))
        for pair in combinations_with_replacement(range(4), 2)
    ]
    out = torch.zeros(10, 4, 20, dtype=torch.float64)
    for column, monomial in enumerate(MONOMIALS):
        exponents = [*monomial, 3 - sum(monomial)]
        for k, exponent in enumerate(exponents):
            if exponent:
                rest = tuple(e - (j == k) for j, e in enumerate(exponents))
                out[quadratics.index(rest), k, column] = exponent
    return out.reshape(10, 80).to(device)


@cache
def _symmetric(device: torch.device) -> Tensor:
    """(64, 20) which of the 4 x 4 x 4 products of variables are which monomial."""
    out = torch.zeros(64, 20, dtype=torch.float64)
    for row, triple in enumerate(product(range(4), repeat=3)):
        x, y, z, _ = (triple.count(k) for k in range(4))
        out[row, MONOMIALS.index((x, y, z))] = 1.0
    return out.to(device)
