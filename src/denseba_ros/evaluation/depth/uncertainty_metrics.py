"""Quality of a predicted uncertainty: sparsification curves and the area between them (AUSE).

Ilg et al., "Uncertainty estimates and multi-hypotheses networks for optical flow", ECCV 2018;
for depth: Poggi et al., "On the uncertainty of self-supervised monocular depth estimation",
CVPR 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Ratios of the pixels that are removed, the most uncertain first.
SHARES = np.arange(0.0, 1.0, 0.05)


def sparsification(error: Array, uncertainty: Array) -> Array:
    """Mean of the remaining ``error`` (N,) after the ratios ``SHARES`` of the pixels with the
    highest ``uncertainty`` (N,) are removed, (len(SHARES),).

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
    """Area between the curve of ``uncertainty`` (N,) and the best one, ordered by the true
    ``error`` (N,) (AUSE); 0 is perfect. In the unit of ``error``."""
    gap = sparsification(error, uncertainty) - sparsification(error, error)
    return float(np.trapezoid(gap, SHARES))
