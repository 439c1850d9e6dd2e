"""Which of the two moved: the map's scale, or the depth model's error?

Three states explain the log ratio of the model's depth to the map's: the *drift* of the map, a
random walk; an error of the model that *lasts*, or changes slowly where the shapes of both depths
disagree; and one that *wanders* while the camera travels, a Gauss-Markov process. How much a model
wanders tells whether it knows this world, and is not known before. So there is one Kalman filter
for each of several answers, weighted by how well it predicted the last ten or so keyframes (Magill,
"Optimal adaptive estimation of sampled stochastic processes", IEEE Transactions on Automatic
Control 10, 1965). Innovations have Student's distribution: one far outside is a jump of the model
(West, "Robust sequential approximate Bayesian estimation", 1981).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

DRIFT, LASTING, WANDERING = range(3)
# Standard deviation of the wandering error over the disagreement of the shapes, one a hypothesis.
_WANDERING_RATIOS = (0.5, 1.0, 2.0, 4.0)
# Distance (in median depths) over which the wandering error is forgotten.
_WANDERING_DISTANCE = 3.0
# Prior standard deviation of what lasts: the map's unit came from the first images alone.
_LASTING_SIGMA = 0.4
# Standard deviation of the change of what lasts, while the camera travels the median depth: that of
# a map's drift at a disagreement of the shapes of 0.11, and as its fourth power. A model that knows
# its world (0.06) is steady; one that does not (0.2) changes by more than a map drifts.
_LASTING_CHANGE, _DOUBTFUL, _MAX_CHANGE = 0.03, 0.11, 1.0
# Standard deviation of an image's own error over the disagreement, and of what no disagreement
# shows.
_IMAGE_RATIO, _MIN_SIGMA = 1.0, 0.02
# Degrees of freedom of the innovations, and what a keyframe's weight of evidence decays by.
_DEGREES, _DECAY = 4.0, 0.9


class ScaleHypotheses:
    """N filters of (drift, lasting, wandering error); all in logarithms of a scale."""

    def __init__(self) -> None:
        n = len(_WANDERING_RATIOS)
        self._mean = np.zeros((n, 3))
        self._covariance = np.zeros((n, 3, 3))
        self._covariance[:, LASTING, LASTING] = _LASTING_SIGMA**2
        self._log_weights = np.zeros(n)
        self._is_new = True

    @property
    def weights(self) -> NDArray[np.float64]:
        """Probabilities (N,) of the hypotheses, the model that wanders least first."""
        likelihoods: NDArray[np.float64] = np.exp(self._log_weights - self._log_weights.max())
        return np.asarray(likelihoods / likelihoods.sum())

    def mean(self, state: int) -> float:
        """Expectation of a state over all hypotheses."""
        return float(self.weights @ self._mean[:, state])

    def variance(self, state: int) -> float:
        """Variance of a state over all hypotheses."""
        apart = self._mean[:, state] - self.mean(state)
        return float(self.weights @ (self._covariance[:, state, state] + apart**2))

    def set_drift_sigma(self, sigma: float) -> None:
        """What is known of the drift is forgotten but for its standard deviation ``sigma``."""
        self._mean[:, DRIFT] = 0.0
        self._covariance[:, DRIFT, :] = 0.0
        self._covariance[:, :, DRIFT] = 0.0
        self._covariance[:, DRIFT, DRIFT] = sigma**2

    def correct_drift(self, correction: float) -> None:
        """The map was rescaled by exp(``correction``)."""
        self._mean[:, DRIFT] -= correction

    def predict(self, travel: float, drift_variance: float, disagreement: float) -> None:
        """The camera travelled ``travel`` median depths, and the drift's variance grew.

        ``disagreement`` of the shapes of both depths, as in ``update``.
        """
        kept = 0.0 if self._is_new else math.exp(-travel / _WANDERING_DISTANCE)
        self._is_new = False
        self._mean[:, WANDERING] *= kept
        self._covariance[:, WANDERING, :] *= kept
        self._covariance[:, :, WANDERING] *= kept
        wandering = np.square(_WANDERING_RATIOS) * max(disagreement, _MIN_SIGMA) ** 2
        self._covariance[:, WANDERING, WANDERING] += wandering * (1.0 - kept**2)
        self._covariance[:, DRIFT, DRIFT] += drift_variance
        change = min(_LASTING_CHANGE * (disagreement / _DOUBTFUL) ** 4, _MAX_CHANGE)
        self._covariance[:, LASTING, LASTING] += change**2 * travel

    def update(self, measured: float, disagreement: float) -> None:
        """Take a measurement in.

        Args:
            measured: log(model's depth / map's depth) of a keyframe.
            disagreement: median absolute deviation of that log ratio over the points.
        """
        noise = (_IMAGE_RATIO * max(disagreement, _MIN_SIGMA)) ** 2 + _MIN_SIGMA**2
        innovation = measured - self._mean.sum(1)
        variance = self._covariance.sum((1, 2)) + noise
        square = innovation**2 / variance
        evidence = -0.5 * np.log(variance) - 0.5 * (_DEGREES + 1.0) * np.log1p(square / _DEGREES)
        self._log_weights = _DECAY * self._log_weights + evidence
        # Student's weight below one: the rest of the innovation is a jump of the wandering error.
        jump = np.maximum((_DEGREES + square) / (_DEGREES + 1.0) - 1.0, 0.0) * variance
        self._covariance[:, WANDERING, WANDERING] += jump
        gain = self._covariance.sum(2) / (variance + jump)[:, None]
        self._mean += gain * innovation[:, None]
        # Joseph's form keeps the covariance symmetric and positive.
        shrink = np.eye(3) - gain[:, :, None]
        self._covariance = shrink @ self._covariance @ shrink.transpose(0, 2, 1)
        self._covariance += noise * gain[:, :, None] * gain[:, None, :]
