"""How noisy an IMU is, as densities in continuous time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImuNoise:
    """Standard deviations of white noise and of the biases' random walks, per axis.

    Densities as Kalibr and data sheets give them: ``gyroscope`` in rad/s/sqrt(Hz),
    ``accelerometer`` in m/s2/sqrt(Hz), ``gyroscope_walk`` in rad/s2/sqrt(Hz),
    ``accelerometer_walk`` in m/s3/sqrt(Hz). ``accelerometer_scale`` is the deviation of the log of
    its gain, which does not change. The defaults are those of a small consumer IMU.
    """

    gyroscope: float = 1e-3
    accelerometer: float = 1e-2
    gyroscope_walk: float = 2e-5
    accelerometer_walk: float = 3e-4
    accelerometer_scale: float = 0.03
