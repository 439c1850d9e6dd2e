"""How far the unit and the axes of a map may drift from one keyframe to the next.

Where old points leave the view and new ones come in, the map's log scale walks: mostly hardly at
all, at a corner by a third. So its steps have Student's t distribution: Gaussian, each with a
variance of its own that is estimated with it, see Lange, Little, Taylor, "Robust statistical
modeling using the t distribution", JASA 84(408), 1989. The axes walk too, so gravity in the map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.imu.rotation_jacobians import rotation_log

# Usual deviation of the log scale's step where the view is wholly another, degrees of freedom of
# its distribution, and its deviation before anything shows it, over the usual one. In the rendered
# building six keyframes usually change the unit by 0.1 to 0.5 %, four of its corners by 4 to 40 %.
_USUAL, _FREEDOM, _AT_FIRST = 0.008, 1.0, 4.0
# Deviation (rad) of each direction of gravity where the view is wholly another.
_AXES = 1e-3
# A turn of so many radians is wholly another view.
_VIEW = 1.0
# Share of another view that the noise of poses is.
_LEAST = 1e-4


@dataclass(frozen=True)
class MapDrift:
    """``turnover``: by how many views the later keyframe is another; ``variance`` of the step of
    the log scale."""

    turnover: float
    variance: float

    @classmethod
    def between(cls, T: np.ndarray, later: np.ndarray, depth: float) -> MapDrift:
        """From T_camera_world (4, 4) to a ``later`` one; median ``depth``, units of the map."""
        motion = later @ pose_step.inverse(T)
        travel = float(np.linalg.norm(motion[:3, 3])) / depth
        turn = float(np.linalg.norm(rotation_log(motion[:3, :3]))) / _VIEW
        turnover = travel + turn + _LEAST
        return cls(turnover, _AT_FIRST**2 * _USUAL**2 * turnover)

    def judged(self, square: float) -> MapDrift:
        """Where ``square`` is what is expected of the step's."""
        usual = _USUAL**2 * self.turnover
        return replace(self, variance=(_FREEDOM * usual + square) / (_FREEDOM + 1.0))

    @property
    def gravity_variance(self) -> float:
        """Of the step of each direction of gravity, rad^2."""
        return _AXES**2 * self.turnover
