"""Positive numbers as 16-bit logarithms: the same relative error from 1e-7 to 1e7."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INVERSE_DEPTH_STEP = 2.0**-10
"""Step of ln(inverse depth): wrong by at most 0.05 %, where the best are known to about 1 %."""
SIGMA_STEP = 2.0**-5
"""Step of ln(deviation): wrong by at most 1.6 %."""
# The first codes stand for what has no logarithm.
_ZERO, _NAN, _INFINITE, _FIRST = 0, 1, 2, 3
_LAST = 2**16 - 1
_LOWEST = -16.0


def to_codes(values: NDArray[np.float32], step: float) -> NDArray[np.uint16]:
    """Codes of non-negative ``values``, ``step`` apart in their natural logarithm.

    Zero, NaN and infinity stay what they are; negative values become NaN, and what lies outside
    exp(-16) to about exp(16) the end that is nearer.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(values.astype(np.float64))
    last = min(_LAST, _FIRST + round(-2.0 * _LOWEST / step))
    numbers = np.clip(np.round((logarithm - _LOWEST) / step) + _FIRST, _FIRST, last)
    codes = np.where(np.isnan(logarithm), _NAN, numbers)
    codes = np.where(values == 0, _ZERO, codes)
    return np.where(np.isposinf(values), _INFINITE, codes).astype(np.uint16)


def from_codes(codes: NDArray[np.uint16], step: float) -> NDArray[np.float32]:
    """The values of ``to_codes``, each within half a ``step`` of its logarithm."""
    logarithm = (codes.astype(np.float64) - _FIRST) * step + _LOWEST
    values = np.exp(logarithm)
    values[codes == _ZERO] = 0.0
    values[codes == _NAN] = np.nan
    values[codes == _INFINITE] = np.inf
    return values.astype(np.float32)
