"""Does a stated uncertainty rank the errors? Sparsification curves and the area between them.

Ilg et al., "Uncertainty estimates and multi-hypotheses networks for optical flow", ECCV 2018;
for depth: Poggi et al., "On the uncertainty of self-supervised monocular depth estimation",
CVPR 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Shares of the pixels that are taken away, the most uncertain first.
SHARES = np.arange(0.0, 1.0, 0.05)


def sparsification(error: Array, uncertainty: Array) -> Array:
    """Mean of ``error`` (N,) that is left after the shares ``SHARES`` of the pixels with the
    highest ``uncertainty`` (N,) are taken away.

    Raises:
        ValueError: when there is no pixel.
    """
    if len(error) == 0:
        raise ValueError("no pixels to compare")
    in_order = error[np.argsort(uncertainty, kind="stable")]
    sums = np.cumsum(in_order)
    kept = np.maximum(1, np.round((1.0 - SHARES) * len(error)).astype(int))
    curve: Array = sums[kept - 1] / kept
    return curve


def sparsification_area(error: Array, uncertainty: Array) -> float:
    """Area between the curve of ``uncertainty`` and the best possible one, which orders the
    pixels by their true error (AUSE); 0 is perfect. In the unit of ``error``."""
    gap = sparsification(error, uncertainty) - sparsification(error, error)
    return float(np.trapezoid(gap, SHARES))
