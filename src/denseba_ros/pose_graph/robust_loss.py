"""How much an error counts: the square, or less for those of closures that are far off.

Odometry is always squared. For closures Cauchy's loss is the robust one that keeps true loops: its
weight ``width / (width + q)`` falls as 1 / q, and a true loop over a path of covariance P with own
covariance C has q of the size of P / C, so it still acts with a covariance C / weight of about
P / width, and closes. A weight that falls as 1 / q^2 (Geman and McClure; Agarwal et al., "Robust
map optimization using dynamic covariance scaling", ICRA 2013) leaves it open where the drift is
large against C (``benchmarks/pose_graph_losses.py``). Where odometry understates its errors three
times or more, Cauchy's loss loses true loops too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from denseba_ros.pose_graph.graph import Doubles

SQUARED_OUTLIER = float(chi2.ppf(0.9973, 7))
"""Squared Mahalanobis distance (7 degrees of freedom) of the same rareness as 3 sigma: 21.8."""


@dataclass(frozen=True)
class Squared:
    """The square: least squares."""

    def cost(self, squared: Doubles) -> Doubles:
        """Cost of squared Mahalanobis distances (N,)."""
        return squared

    def weight(self, squared: Doubles) -> Doubles:
        """Derivative of ``cost``."""
        return np.ones_like(squared)


@dataclass(frozen=True)
class Cauchy(Squared):
    """``width log(1 + q / width)`` of a squared distance q; ``width``: where the weight is half."""

    width: float = SQUARED_OUTLIER

    def cost(self, squared: Doubles) -> Doubles:
        """Cost of squared Mahalanobis distances (N,)."""
        return self.width * np.log1p(squared / self.width)

    def weight(self, squared: Doubles) -> Doubles:
        """Derivative of ``cost``."""
        return self.width / (self.width + squared)
