"""What eliminating points adds to the reduced system, as a compiled loop on the CPU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Points that are added together, so that each row of the sum is read and written once for them.
_TOGETHER = 4


@numba_jit()
def _add_rows(E: Doubles, rest: Doubles, H: Doubles, b: Doubles) -> None:
    """Add E^T E, on and above the diagonal, and E^T rest to H (D, D) and b (D,); E (4, D) and rest
    (4,) are of four points."""
    size = np.uintp(E.shape[1])
    e0, e1, e2, e3 = E[0], E[1], E[2], E[3]
    for r in range(size):
        f0, f1, f2, f3 = e0[r], e1[r], e2[r], e3[r]
        row = H[r]
        b[r] += f0 * rest[0] + f1 * rest[1] + f2 * rest[2] + f3 * rest[3]
        for c in range(r, size):
            row[c] += f0 * e0[c] + f1 * e1[c] + f2 * e2[c] + f3 * e3[c]


@numba_jit("void(i8, i8, i8, f4[:, ::1], f4[::1], f4[::1], f8, f8, f8[:, :, ::1], f8[:, ::1])")
def eliminate_pieces(
    first: int,
    last: int,
    rows: int,
    mixed: Floats,
    H_depth: Floats,
    b_depth: Floats,
    damping: float,
    least: float,
    H: Doubles,
    b: Doubles,
) -> None:
    """Sums of the pieces ``first`` to ``last``, of ``rows`` points each, in float64.

    Args:
        first: first piece.
        last: one after the last piece.
        rows: points of a piece.
        mixed: (M, D) terms between points and frames.
        H_depth: (M,) information of the points.
        b_depth: (M,) gradient of the points.
        damping: relative to the information.
        least: information that a point has at least.
        H: result (pieces, D, D), zero before, on and above the diagonal.
        b: result (pieces, D), zero before.
    """
    E, rest = np.zeros((_TOGETHER, mixed.shape[1])), np.zeros(_TOGETHER)
    for piece in range(first, last):
        end = min((piece + 1) * rows, len(mixed))
        for start in range(piece * rows, end, _TOGETHER):
            for k in range(_TOGETHER):
                n = start + k
                if n >= end:
                    E[k], rest[k] = 0.0, 0.0
                    continue
                root = 1.0 / np.sqrt(max(np.float64(H_depth[n]) * (1.0 + damping), least))
                rest[k] = b_depth[n] * root
                for c in range(np.uintp(mixed.shape[1])):
                    E[k, c] = np.float64(mixed[n, c]) * root
            _add_rows(E, rest, H[piece], b[piece])
