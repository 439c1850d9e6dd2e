"""What the IMU knows at a keyframe, and where it leads from there without images."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.slam.inertial.map_drift import MapDrift
from denseba_ros.slam.state.metric_scale import MetricScale

# Log scale among the 19 of the covariance.
_SCALE = 15


@dataclass(frozen=True)
class InertialMotion:
    """``state`` and ``world`` at the keyframe of ``stamp_ns``, with the covariance (19, 19) of
    their steps: pose 6, velocity 3, biases 6, log scale, gravity 2, log
    gain of the accelerometer."""

    stamp_ns: int
    state: InertialState
    world: MetricWorld
    covariance: np.ndarray

    @property
    def scale(self) -> MetricScale:
        """Metres per unit of the map."""
        sigma = math.sqrt(max(self.covariance[_SCALE, _SCALE], 0.0))
        return MetricScale(math.log(self.world.metres_per_unit), sigma)

    @property
    def gravity_deviation(self) -> float:
        """Radians, of both directions together."""
        return math.sqrt(
            self.covariance[_SCALE + 1, _SCALE + 1] + self.covariance[_SCALE + 2, _SCALE + 2]
        )

    def after(self, drift: MapDrift) -> InertialMotion:
        """Where the map's unit may have drifted since."""
        covariance = self.covariance.copy()
        covariance[_SCALE, _SCALE] += drift.variance
        return replace(self, covariance=covariance)
