"""The odometry frame that never jumps (REP-105), beside the world frame of the map, which may.

Tracking measures the pose in the map's world frame. When it was lost and recovers, that pose may
be anywhere. The odometry then continues from the pose that its velocity predicts; the transform
between both frames takes the difference, which becomes part of the odometry's covariance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.body_frame import rigid_inverse
from denseba_ros.geometry.cross_product import hat_array
from denseba_ros.slam.state.estimate import Estimate, Tracking

# Smaller differences stay in the odometry (metres, radians): after tracking was lost, and after an
# approximate or predicted pose.
_MAX_AFTER_LOST, _MAX_AFTER_PREDICTION = (0.02, 0.02), (0.04, 0.1)
# Between two measured poses a motion beyond any vehicle's is a jump: metres, m/s^2, radians.
_MAX_STEP, _MAX_ACCELERATION, _MAX_ROTATION = 0.05, 10.0, 0.5
# After a longer gap without an image (seconds) the odometry continues from its last pose.
_MAX_GAP = 1.0
# Longest time over which the pose is predicted with constant velocity, seconds.
_HORIZON = 0.5
# Velocities between images closer than this (seconds) are mostly noise: several are averaged.
_SMOOTHING_TIME = 0.033
# Factor of the velocity for each image without a pose.
_VELOCITY_DECAY = 0.7
# Process noise of a prediction, standard deviation of the acceleration: m/s^2, rad/s^2.
_LINEAR_ACCELERATION_SIGMA, _ANGULAR_ACCELERATION_SIGMA = 5.0, 5.0


class OdomContinuity:
    """Transforms estimates from the world frame into a continuous odometry frame.

    ``T_odom_world`` (4, 4) float64 is the identity until tracking is lost and recovers elsewhere.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Make both frames the same again, as for a new map that is announced."""
        self.T_odom_world = np.eye(4)
        self._last: Estimate | None = None
        self._published: Estimate | None = None
        self._jump_covariance = np.zeros((6, 6))
        self._jump_position = np.zeros(3)

    def update(self, estimate: Estimate) -> Estimate:
        """The estimate in the odometry frame; stamps must increase from call to call."""
        last = self._previous(estimate.stamp_ns)
        if last is not None and self._is_jump(last, estimate):
            self._absorb_jump(_extrapolated(last, estimate.stamp_ns), estimate.T_world_camera)
        in_odom = self._transformed(estimate)
        self._last = _with_smoothed_twist(self._last, in_odom)
        self._drop_published(estimate.stamp_ns)
        return in_odom

    def predict_published(self, stamp_ns: int) -> Estimate | None:
        """A prediction that is published before the estimate of its image.

        That estimate, or the next, then stays close to it. None before the first estimate.
        """
        self._published = self.predict(stamp_ns)
        return self._published

    def coast(self, stamp_ns: int) -> Estimate | None:
        """Continue by prediction over a time without a measurement; None before the first estimate.

        The velocity decays, as it is unknown how long it lasts.
        """
        predicted = self.predict(stamp_ns)
        if predicted is not None:
            twist = _VELOCITY_DECAY * predicted.twist
            predicted = replace(predicted, tracking=Tracking.LOST, twist=twist, quality=0.0)
            self._last = predicted
            self._drop_published(stamp_ns)
        return predicted

    def predict(self, stamp_ns: int) -> Estimate | None:
        """Constant-velocity prediction for a later stamp; None before the first estimate.

        The covariance grows by that of the velocity and by that of an unmeasured acceleration.
        """
        last = self._previous(stamp_ns)
        if last is None:
            return None
        seconds = max((stamp_ns - last.stamp_ns) * 1e-9, 0.0)
        T = _extrapolated(last, stamp_ns)
        sigmas = [_LINEAR_ACCELERATION_SIGMA] * 3 + [_ANGULAR_ACCELERATION_SIGMA] * 3
        acceleration = np.diag(np.square(sigmas))
        motion = last.twist_covariance * seconds**2 + acceleration * (0.5 * seconds**2) ** 2
        axes = np.kron(np.eye(2), T[:3, :3])
        return replace(
            last,
            stamp_ns=stamp_ns,
            T_world_camera=T,
            covariance=last.covariance + axes @ motion @ axes.T,
            twist_covariance=last.twist_covariance + acceleration * seconds**2,
            depth=None,
            is_keyframe=False,
        )

    def _previous(self, stamp_ns: int) -> Estimate | None:
        """The last estimate before a stamp: the published prediction unless it is a later one's."""
        published = self._published
        is_due = published is not None and published.stamp_ns <= stamp_ns
        return published if is_due else self._last

    def _drop_published(self, stamp_ns: int) -> None:
        """Drop the published prediction once an estimate from its stamp on is there."""
        if self._published is not None and self._published.stamp_ns <= stamp_ns:
            self._published = None

    def _is_jump(self, last: Estimate, estimate: Estimate) -> bool:
        """Whether the new pose is too far from the one that the last estimate predicts."""
        seconds = max((estimate.stamp_ns - last.stamp_ns) * 1e-9, 0.0)
        expected = _extrapolated(last, estimate.stamp_ns)
        difference = rigid_inverse(expected) @ self.T_odom_world @ estimate.T_world_camera
        distance = float(np.linalg.norm(difference[:3, 3]))
        angle = float(np.linalg.norm(Rotation.from_matrix(difference[:3, :3]).as_rotvec()))
        if last.tracking is not Tracking.TRACKING or seconds > _MAX_GAP:
            return distance > _MAX_AFTER_LOST[0] or angle > _MAX_AFTER_LOST[1]
        if last.reason or last is self._published:
            return distance > _MAX_AFTER_PREDICTION[0] or angle > _MAX_AFTER_PREDICTION[1]
        travelled = float(np.linalg.norm(last.twist[:3])) * seconds
        limit = _MAX_STEP + travelled + 0.5 * _MAX_ACCELERATION * seconds**2
        return distance > limit or angle > _MAX_ROTATION

    def _absorb_jump(self, T_odom_camera: np.ndarray, T_world_camera: np.ndarray) -> None:
        """Set ``T_odom_world`` so that the pose in odom is the predicted one; keep the error's
        covariance."""
        measured = self.T_odom_world @ T_world_camera
        rotation = Rotation.from_matrix(T_odom_camera[:3, :3] @ measured[:3, :3].T).as_rotvec()
        error = np.concatenate([T_odom_camera[:3, 3] - measured[:3, 3], rotation])
        self._jump_covariance = self._jump_covariance_at(T_odom_camera[:3, 3])
        self._jump_covariance = self._jump_covariance + np.outer(error, error)
        self._jump_position = T_odom_camera[:3, 3].copy()
        self.T_odom_world = T_odom_camera @ rigid_inverse(T_world_camera)

    def _jump_covariance_at(self, position: np.ndarray) -> np.ndarray:
        """Covariance (6, 6) of all jumps so far at a ``position`` (3,): errors of the rotation move
        positions with the distance."""
        transport = np.eye(6)
        transport[:3, 3:] = -hat_array(position - self._jump_position)
        covariance: np.ndarray = transport @ self._jump_covariance @ transport.T
        return covariance

    def _transformed(self, estimate: Estimate) -> Estimate:
        """The estimate in the odometry frame."""
        if np.array_equal(self.T_odom_world, np.eye(4)):
            return estimate
        T = self.T_odom_world @ estimate.T_world_camera
        axes = np.kron(np.eye(2), self.T_odom_world[:3, :3])
        covariance = axes @ estimate.covariance @ axes.T + self._jump_covariance_at(T[:3, 3])
        return replace(estimate, T_world_camera=T, covariance=covariance)


def _extrapolated(last: Estimate, stamp_ns: int) -> np.ndarray:
    """T_odom_camera (4, 4) of the last estimate, moved by its twist until ``stamp_ns``."""
    seconds = min(max((stamp_ns - last.stamp_ns) * 1e-9, 0.0), _HORIZON)
    step = np.eye(4)
    step[:3, :3] = Rotation.from_rotvec(last.twist[3:] * seconds).as_matrix()
    step[:3, 3] = last.twist[:3] * seconds
    expected: np.ndarray = last.T_world_camera @ step
    return expected


def _with_smoothed_twist(last: Estimate | None, estimate: Estimate) -> Estimate:
    """The estimate with a velocity that is averaged over ``_SMOOTHING_TIME``."""
    if last is None:
        return estimate
    seconds = (estimate.stamp_ns - last.stamp_ns) * 1e-9
    weight = min(max(seconds / _SMOOTHING_TIME, 0.0), 1.0)
    return replace(estimate, twist=weight * estimate.twist + (1.0 - weight) * last.twist)
