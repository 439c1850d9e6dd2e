"""How many metres a unit of the map is, as far as that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# With a larger standard deviation of its logarithm the scale counts as unknown.
_KNOWN = 0.5
# Standard deviation where nothing tells the scale.
_UNKNOWN_SIGMA = 1.0


@dataclass(frozen=True)
class MetricScale:
    """Metres per unit of the map: log-normal.

    ``log_factor`` is the mean of its logarithm and ``sigma`` the standard deviation of that. Poses
    are published in the map's unit as if that were a metre, so a factor other than one is a part of
    their error.
    """

    log_factor: float = 0.0
    sigma: float = _UNKNOWN_SIGMA

    @property
    def factor(self) -> float:
        """Metres per unit of the map, median."""
        return math.exp(self.log_factor)

    @property
    def is_known(self) -> bool:
        """Whether the scale is known at all."""
        return self.sigma < _KNOWN

    @property
    def deviation(self) -> float:
        """Root mean square of (metres per unit of the map - 1): the relative error of a length
        that is taken for metres."""
        variance = self.sigma**2
        second = math.exp(2.0 * self.log_factor + 2.0 * variance)
        return math.sqrt(second - 2.0 * math.exp(self.log_factor + 0.5 * variance) + 1.0)

    def fused(self, other: MetricScale) -> MetricScale:
        """With another, independent source: each counts by its information."""
        mine, others = self.sigma**-2.0, other.sigma**-2.0
        mean = (mine * self.log_factor + others * other.log_factor) / (mine + others)
        return MetricScale(mean, (mine + others) ** -0.5)

    def covariance(self, length: NDArray[np.float64]) -> NDArray[np.float64]:
        """What this adds to the covariance (6, 6) of a translation or linear velocity ``length``
        (3,) in the map's unit, taken for metres, and of a rotation, which has no scale."""
        error = np.zeros(6)
        error[:3] = self.deviation * length
        return np.outer(error, error)


UNKNOWN_SCALE = MetricScale()
"""Before anything tells it."""
