"""Whether the gyroscope turns as the images do: its unit and axes, judged by turns of both.

A bank of hypotheses, one Kalman filter each: Magill, "Optimal adaptive estimation of sampled
stochastic processes", IEEE TAC 10, 1965. A hypothesis says that the camera turns by M times what
the gyroscope says: the identity is right; others have axes permuted or reversed, are in degrees, or
both; the last says that the gyroscope tells nothing. All of them have an unknown bias.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.imu.initialisation.gyroscope_bias import GYROSCOPE_BIAS

# Before anything was seen: that the gyroscope is right, and at each span by how much all that was
# seen before is forgotten.
_RIGHT, _FORGOTTEN = 0.8, 1e-5
# A turn by the images is wrong so often; a camera turns at about so many rad/s.
_OUTLIERS, _RATE = 0.02, 0.5
# Of vision (rad per axis) beside what its alignment says; of the gyroscope's axes and scale (a
# share of the turn, finer is left to calibration), and of clocks that are not known yet (s).
_VISION, _SHARE, _CLOCKS = 2e-3, 0.05, 0.03
# A turn by the images below so many deviations of vision, and a gyroscope off by fewer, tell of the
# bias alone. Deviations are but roughly known: what they make likely would add up at a standstill.
_TURNED = 3.0
# A turn of which more than this share is in doubt is not used, nor is any below such a probability
# that the gyroscope is right: wrong axes may be between those of the hypotheses. Below a smaller
# one it is wrong.
_DOUBTFUL, _LIKELY, _WRONG = 0.25, 0.5, 0.01
# Of the bias, rad/s per root of a second.
_WALK = 5e-4
# A span is over after so much time (ns), or turn (rad).
_LONGEST_NS, _FARTHEST = 500_000_000, 0.3


@dataclass(frozen=True)
class Span:
    """From one image to a later one, along the camera's axes.

    ``seen`` (3,) rad is the rotation vector of R_first_last by the images, with a deviation
    ``sigma`` (rad) per axis of its alignment; ``felt`` (3,) rad the integral of the angular
    velocity, ``change`` (3,) rad/s by how much that is another at the end.
    """

    seconds: float
    seen: np.ndarray
    sigma: float
    felt: np.ndarray
    change: np.ndarray


@dataclass(frozen=True)
class _Bank:
    """For each of H hypotheses: ``probability`` (H,), ``bias`` (H, 3) rad/s along the camera's
    axes, ``variance`` (H,) of it per axis."""

    probability: np.ndarray
    bias: np.ndarray
    variance: np.ndarray


class GyroscopeTrust:
    """Given to ``see`` the span from its first to ever later images, until it is over or another
    one begins.

    ``doubt`` (3, 3): x' doubt x is the mean square (rad2) of what a turn x (3,) rad, along the
    camera's axes, is wrong by; ``right`` the probability that unit and axes are as they should be.
    """

    def __init__(self) -> None:
        self._M = _hypotheses()
        wrong = self._M - np.eye(3)
        self._squares = np.swapaxes(wrong, 1, 2) @ wrong
        count = len(self._M)
        self._first = np.full(count, (1.0 - _RIGHT) / (count - 1))
        self._first[0] = _RIGHT
        self._before = self._now = _Bank(
            self._first, np.zeros((count, 3)), np.full(count, GYROSCOPE_BIAS**2)
        )
        self.doubt = self._doubt()

    def see(self, span: Span) -> None:
        """The same span again replaces what it said before; ``next_span`` keeps that."""
        self._now = self._after(span)
        self.doubt = self._doubt()

    def next_span(self) -> None:
        """What comes now is another span."""
        p = (1.0 - _FORGOTTEN) * self._now.probability + _FORGOTTEN * self._first
        self._before = self._now = replace(self._now, probability=p)

    @property
    def right(self) -> float:
        """Probability."""
        return float(self._now.probability[0])

    @property
    def is_likely(self) -> bool:
        """Whether they are rather right than not."""
        return self.right > _LIKELY

    @property
    def bias(self) -> tuple[np.ndarray, float]:
        """(3,) rad/s along the camera's axes, if they are right, and a deviation per axis."""
        return self._now.bias[0], math.sqrt(float(self._now.variance[0]))

    @property
    def is_wrong(self) -> bool:
        """Whether the gyroscope surely turns otherwise than the images; one span is not enough, as
        rotations of a map that has just begun are off by degrees."""
        before = float(self._before.probability[0])
        return max(before, self.right) < _WRONG

    @property
    def is_earned(self) -> bool:
        """Whether turns about all axes may be used."""
        largest = float(np.linalg.eigvalsh(self.doubt)[-1])
        return self.is_likely and largest < _DOUBTFUL**2

    def may_use(self, turn: np.ndarray) -> bool:
        """Whether a turn (3,) rad along the camera's axes may be."""
        limit = _DOUBTFUL**2 * float(turn @ turn)
        return self.is_likely and float(turn @ self.doubt @ turn) <= limit

    def deviation(self, turn: np.ndarray) -> float:
        """Of a turn (3,) rad along the camera's axes, by what is in doubt; rad."""
        return math.sqrt(float(turn @ self.doubt @ turn))

    @property
    def cause(self) -> str:
        """The likeliest one if the gyroscope is wrong."""
        likeliest = 1 + int(np.argmax(self._now.probability[1:]))
        if likeliest == len(self._M) - 1:
            return "is imu.T_imu_camera right?"
        is_degrees = bool(abs(np.linalg.det(self._M[likeliest])) < 0.5)
        is_turned = bool(np.trace(np.sign(self._M[likeliest])) < 3.0)
        causes = ["is it in degrees/s?"] * is_degrees + ["is imu.T_imu_camera right?"] * is_turned
        return " ".join(causes)

    def _doubt(self) -> np.ndarray:
        doubt: np.ndarray = np.einsum("h,hij->ij", self._now.probability, self._squares)
        return doubt

    def _after(self, span: Span) -> _Bank:
        """What the span makes of what was known before it."""
        before, t = self._before, span.seconds
        known = before.variance + _WALK**2 * t
        expected = self._M @ span.felt
        error = span.seen - expected + t * before.bias
        variance = (
            _VISION**2
            + span.sigma**2
            + _SHARE**2 * np.sum(expected**2, axis=1)
            + _CLOCKS**2 * np.sum((self._M @ span.change) ** 2, axis=1)
        )
        total = variance + t**2 * known
        likely = _density(np.sum(error**2, axis=1), total)
        anything = _heavy_density(float(span.seen @ span.seen), variance[-1] + (_RATE * t) ** 2)
        likely[-1] = anything
        inlier = (1.0 - _OUTLIERS) * likely
        either = inlier + _OUTLIERS * anything
        small = span.seen @ span.seen < _TURNED**2 * (_VISION**2 + span.sigma**2)
        is_telling = not small or error[0] @ error[0] > _TURNED**2 * total[0]
        p = before.probability * (either if is_telling else 1.0)
        gain = (inlier / either) * (-t * known / total)
        return _Bank(
            p / p.sum(),
            before.bias + gain[:, None] * error,
            (1.0 + t * gain) * known,
        )


def is_over(nanoseconds: int, turn: np.ndarray) -> bool:
    """Whether a span with a ``turn`` (3,) rad has its end."""
    return nanoseconds > _LONGEST_NS or float(np.linalg.norm(turn)) > _FARTHEST


def _density(square: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Of three numbers with a sum of squares; without a constant."""
    density: np.ndarray = np.exp(-0.5 * square / variance) / variance**1.5
    return density


def _heavy_density(square: float, variance: float) -> float:
    """The same of Student's t with one degree of freedom, which quick turns do not make zero."""
    factor = 2.0 * math.sqrt(2.0 / math.pi)
    return float(factor / (1.0 + square / variance) ** 2 / variance**1.5)


def _hypotheses() -> np.ndarray:
    """(H, 3, 3): the identity, the other signed permutations, all of them in degrees, and zero."""
    axes = [
        np.diag(signs) @ np.eye(3)[list(order)]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1.0, -1.0), repeat=3)
    ]
    return np.concatenate([axes, np.radians(axes), np.zeros((1, 3, 3))])
