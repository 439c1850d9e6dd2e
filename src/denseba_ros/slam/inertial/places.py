"""What the inertial chain takes in next: a keyframe, or a place where the camera stood still."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.preintegration import Preintegration
from denseba_ros.slam.inertial.standstill import Rest

# How sure it is that pose and velocity are the same at both ends of a standstill: rad, m/s, m.
_SAME = np.repeat([1e-3, 5e-3, 2e-3], 3)


@dataclass(frozen=True)
class Place:
    """Seen at ``T_camera_world`` (4, 4) from ``since_ns`` to ``until_ns``; ``rest`` where the
    camera stood still between."""

    since_ns: int
    until_ns: int
    T_camera_world: np.ndarray
    rest: Rest | None = None


def taken_over(
    rests: Iterable[Rest], newest_ns: int, poses: Mapping[int, np.ndarray], growth: float
) -> list[Place]:
    """Those of the ``rests`` that last beyond ``newest_ns``, of the newest keyframe in the chain.

    ``poses`` T_camera_world (4, 4) of keyframes by stamp, after the world grew by ``growth``; a
    rest against a keyframe that is not among them is left out.
    """
    places = []
    for rest in rests:
        keyframe = poses.get(rest.seen.keyframe_ns)
        if rest.until_ns <= newest_ns or keyframe is None:
            continue
        T_camera_keyframe = rest.seen.T_camera_keyframe.copy()
        T_camera_keyframe[:3, 3] *= growth
        since_ns = max(rest.since_ns, newest_ns)
        places.append(Place(since_ns, rest.until_ns, T_camera_keyframe @ keyframe, rest))
    return places


def at_rest(measured: Preintegration) -> Preintegration:
    """From a place to itself, with how far it may be another."""
    covariance = measured.covariance.copy()
    rows = np.arange(len(_SAME))
    covariance[rows, rows] += _SAME**2
    return replace(measured, covariance=covariance)


def after_rest(measured: Preintegration, seconds: float, noise: ImuNoise) -> Preintegration:
    """From a place where the camera had stood for ``seconds``, through which biases walked."""
    covariance = measured.covariance.copy()
    rows = np.arange(9, 15)
    walk = np.repeat([noise.gyroscope_walk, noise.accelerometer_walk], 3)
    covariance[rows, rows] += walk**2 * seconds
    return replace(measured, covariance=covariance)
