"""Whether an IMU feels nothing but gravity and noise over a short time.

As zero-velocity detectors do (Skog, Handel, Nilsson, Rantakokko, "Zero-velocity detection: an
algorithm evaluation", IEEE TBME 57(11), 2010): by the scatter of the samples. Even motion feels the
same as none, so a standstill must begin by other means, and lasts while nothing changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples

# A scatter beyond so many deviations of white noise is motion; or beyond what a fan or an idle
# motor makes (rad/s, m/s2).
_NOISY, _SHAKEN = 3.0, (0.02, 0.2)
# Gravity is between these (m/s2): in another unit limits on what is felt mean nothing.
_GRAVITY = (8.0, 12.0)
# The same standstill goes on while the scatter is below so many times the first, and means are
# within so many of their deviations, or within these (rad/s, m/s2).
_LOUDER, _SHIFTED, _SAME = 1.5, 4.0, (0.005, 0.03)


@dataclass(frozen=True)
class Felt:
    """``mean`` (6,) and ``scatter`` (6,) of ``count`` samples: gyroscope (rad/s), accelerometer
    (m/s2), IMU axes; ``rate`` of the samples, Hz."""

    mean: np.ndarray
    scatter: np.ndarray
    count: int
    rate: float

    @classmethod
    def over(cls, samples: ImuSamples) -> Felt:
        """All ``samples``, at least two."""
        values = np.hstack([samples.gyroscope, samples.accelerometer])
        rate = (len(samples) - 1) / max(samples.seconds, 1e-9)
        return cls(values.mean(0), values.std(0), len(samples), rate)

    def may_be_rest(self, noise: ImuNoise) -> bool:
        """Whether gravity is felt, and a scatter of noise or of a machine that stands."""
        if not _GRAVITY[0] < float(np.linalg.norm(self.mean[3:])) < _GRAVITY[1]:
            return False
        white = np.repeat([noise.gyroscope, noise.accelerometer], 3) * math.sqrt(self.rate)
        return bool(np.all(self.scatter < np.maximum(_NOISY * white, np.repeat(_SHAKEN, 3))))

    def is_same_rest(self, later: Felt) -> bool:
        """Whether what is felt ``later`` is what was felt here."""
        if np.any(later.scatter > _LOUDER * self.scatter + 0.1 * np.repeat(_SHAKEN, 3)):
            return False
        deviation = self.scatter * math.sqrt(1.0 / self.count + 1.0 / later.count)
        allowed = np.maximum(_SHIFTED * deviation, np.repeat(_SAME, 3))
        return bool(np.all(np.abs(later.mean - self.mean) < allowed))
