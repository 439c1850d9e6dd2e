"""Real roots of many polynomials at once, without a loop over them.

p(z) is sampled on an interval about zero, and so is z^n p(1/z), whose roots are the reciprocals:
together they cover the line. Sign changes bracket roots, and so do extrema that reach across zero
between two samples. Newton steps kept inside the bracket finish (Press et al., "Numerical
Recipes", 9.4).
"""

from __future__ import annotations

import torch
from torch import Tensor

# The seam between the two halves of the line lies where no problem puts a root by its symmetry.
_SCALE = 1.0927
# Powers of two keep the ends that neighbouring cells share equal to the last bit.
_CELLS, _PARTS = 64, 8
_NEWTON_STEPS = 8
_BISECTIONS = 16
# Newton steps stop this share of the bracket before its ends.
_MARGIN = 1e-3


def real_roots(coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """Real roots of polynomials given by ``coefficients`` (B, n + 1), highest power first.

    Returns:
        Roots (B, n), in no order, and which of them exist (B, n); the others are zero. A
        polynomial with a coefficient that is not finite has none. Roots of even multiplicity
        are not found: they vanish under the smallest change of the coefficients.
    """
    scale = coefficients.abs().amax(1, keepdim=True)
    usable = torch.isfinite(scale) & (scale > 0)
    c = torch.where(usable, coefficients / torch.where(usable, scale, 1.0), 0.0)
    powers = torch.arange(c.shape[1] - 1, -1, -1, device=c.device)
    c = c * _SCALE ** powers.to(c.dtype)
    c = torch.cat([c, c.flip(1)])
    row, low, high = _brackets(c)
    root = _refine(_columns(c, row), low, high)
    outer = row >= len(coefficients)
    finite = ~outer | (root != 0)
    root = _SCALE * torch.where(outer, 1.0 / root, root)[finite]
    row = torch.where(outer, row - len(coefficients), row)[finite]
    return _pad(root, row, *coefficients.shape)


def evaluate(c: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Value and derivative (M,) of polynomials ``c`` (n + 1, M) at ``z`` (M,), by Horner."""
    value, slope = c[0], torch.zeros_like(z)
    for coefficient in c[1:]:
        slope = torch.addcmul(value, slope, z)
        value = torch.addcmul(coefficient, value, z)
    return value, slope


def _columns(c: Tensor, rows: Tensor) -> Tensor:
    """Polynomials ``rows`` (M,) of ``c`` (B, n + 1) as (n + 1, M), each power side by side."""
    return c[rows].T.contiguous()


def _brackets(c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Row of ``c`` (M,), and the ends (M,) of every interval within [-1, 1] that has a root."""
    n = c.shape[1] - 1
    nodes = torch.linspace(-1, 1, _CELLS + 1, dtype=c.dtype, device=c.device)
    powers = torch.arange(n, -1, -1, device=c.device)[:, None]
    value = c @ nodes**powers
    slope = c @ (powers * nodes ** (powers - 1).clamp(min=0))
    # Cells that may hold roots are cut again, which parts roots that lie close together. A double
    # root within a cell's width is always nearer than a step along the slope.
    size, reach = value.abs(), slope.abs() * (2.0 / _CELLS)
    near = torch.minimum(size[:, :-1], size[:, 1:]) < torch.maximum(reach[:, :-1], reach[:, 1:])
    crossing = (value[:, :-1] > 0) != (value[:, 1:] > 0)
    row, cell = (near | crossing).nonzero().unbind(1)
    columns = _columns(c, row)
    part = torch.arange(_PARTS + 1, dtype=c.dtype, device=c.device)[:, None]
    nodes = nodes[cell] + part * (2.0 / (_CELLS * _PARTS))
    value, slope = evaluate(columns[:, None], nodes)
    crossing, dips = _signs(value, slope)
    low, high, which = _ends(columns, nodes, value, crossing, dips)
    return row[which], low, high


def _signs(value: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """Cells (P, M) between nodes (P + 1, M) with a change of sign, and those with the same sign
    where both ends head for zero: their extremum may reach to the other side."""
    left, right = value[:-1], value[1:]
    crossing = (left > 0) != (right > 0)
    return crossing, ~crossing & (slope[:-1] * left < 0) & (slope[1:] * right > 0)


def _ends(
    columns: Tensor, nodes: Tensor, value: Tensor, crossing: Tensor, dips: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Ends of the brackets, and the column that each belongs to."""
    cell, at = crossing.nonzero().unbind(1)
    low, high = nodes[cell, at], nodes[cell + 1, at]
    cell, dip = dips.nonzero().unbind(1)
    turn = _turning_point(columns[:, dip], nodes[cell, dip], nodes[cell + 1, dip])
    across = (evaluate(columns[:, dip], turn)[0] > 0) != (value[cell, dip] > 0)
    cell, dip, turn = cell[across], dip[across], turn[across]
    low = torch.cat([low, nodes[cell, dip], turn])
    high = torch.cat([high, turn, nodes[cell + 1, dip]])
    return low, high, torch.cat([at, dip, dip])


def _turning_point(c: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Place (M,) between ``low`` and ``high`` where the derivative changes its sign."""
    start = evaluate(c, low)[1] > 0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        same = (evaluate(c, middle)[1] > 0) == start
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return 0.5 * (low + high)


def _refine(c: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Root (M,) in each bracket, by Newton steps that stay inside."""
    start = evaluate(c, low)[0] > 0
    z = 0.5 * (low + high)
    for _ in range(_NEWTON_STEPS):
        value, slope = evaluate(c, z)
        same = (value > 0) == start
        low, high = torch.where(same, z, low), torch.where(same, high, z)
        middle, margin = 0.5 * (low + high), _MARGIN * (high - low)
        newton = z - value / slope
        newton = torch.where(torch.isfinite(newton), newton, middle)
        z = torch.minimum(torch.maximum(newton, low + margin), high - margin)
    return z


def _pad(roots: Tensor, row: Tensor, count: int, terms: int) -> tuple[Tensor, Tensor]:
    """Roots (M,) of polynomial ``row`` (M,) as (count, terms - 1), with a mask."""
    order = torch.argsort(row, stable=True)
    roots, row = roots[order], row[order]
    found = torch.bincount(row, minlength=count)
    first = torch.cumsum(found, 0) - found
    slot = torch.arange(len(row), device=row.device) - first[row]
    # Rounding may show more sign changes than there are roots in a polynomial that is nearly zero.
    fits = slot < terms - 1
    values = roots.new_zeros(count, terms - 1)
    ok = torch.zeros(count, terms - 1, dtype=torch.bool, device=roots.device)
    values[row[fits], slot[fits]] = roots[fits]
    ok[row[fits], slot[fits]] = True
    return values, ok
