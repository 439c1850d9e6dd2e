"""The odometry frame that never jumps (REP-105), beside the world frame of the map, which may.

What tracking measures is the pose in the world of the map. After a loss it may come back anywhere;
then the odometry goes on from where its velocity led, and the transform between both frames takes
the difference, which from then on is part of the odometry's uncertainty.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.body_frame import cross_matrix, rigid_inverse
from denseba_ros.slam.state.estimate import Estimate, Tracking

# Differences up to this are left in the odometry, after a loss and after a guess or a prediction:
# metres, radians.
_AFTER_LOSS, _AFTER_GUESS = (0.02, 0.02), (0.04, 0.1)
# Between two measured poses only what no vehicle does is a jump: metres, m/s^2, radians.
_STEP, _ACCELERATION, _TURN = 0.05, 10.0, 0.5
# After so many seconds without an image the odometry goes on from its last pose.
_GAP = 1.0
# Longest time over which the last velocity says where the camera is, seconds.
_HORIZON = 0.5
# Velocities between images closer than this (seconds) are noise, so that several are averaged.
_STEADY = 0.033
# What is left of the velocity after each image without a pose.
_FADING = 0.7
# Deviation of the acceleration that a prediction does not know of: m/s^2, rad/s^2.
_UNKNOWN_ACCELERATION, _UNKNOWN_TURNING = 5.0, 5.0


class OdomContinuity:
    """Carries estimates from the world frame over into a continuous odometry frame.

    ``T_odom_world`` (4, 4) is the identity until tracking is lost and comes back elsewhere.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Both frames are the same again: an announced new start."""
        self.T_odom_world = np.eye(4)
        self._last: Estimate | None = None
        self._ahead: Estimate | None = None
        self._missed = np.zeros((6, 6))
        self._missed_at = np.zeros(3)

    def update(self, estimate: Estimate) -> Estimate:
        """The estimate in the odometry frame; later estimates are expected to be later in time."""
        last = self._base(estimate.stamp_ns)
        if last is not None and self._jumps(last, estimate):
            self._bridge(self._expected(last, estimate.stamp_ns), estimate.T_world_camera)
        carried = self._carried(estimate)
        self._last = _steadied(self._last, carried)
        self._keep_promise(estimate.stamp_ns)
        return carried

    def predict_published(self, stamp_ns: int) -> Estimate | None:
        """A prediction that is published before the estimate of its image is there.

        That estimate, or the next, then stays close to it. None before the first estimate.
        """
        self._ahead = self.predict(stamp_ns)
        return self._ahead

    def coast(self, stamp_ns: int) -> Estimate | None:
        """Go on by prediction over a time that no image tells of; None before the first estimate.

        The velocity fades, as nobody knows how long it lasts.
        """
        predicted = self.predict(stamp_ns)
        if predicted is not None:
            predicted = replace(
                predicted, tracking=Tracking.LOST, twist=_FADING * predicted.twist, quality=0.0
            )
            self._last = predicted
            self._keep_promise(stamp_ns)
        return predicted

    def predict(self, stamp_ns: int) -> Estimate | None:
        """What the last velocity says about a later time; None before the first estimate.

        The covariance grows by that of the velocity and by an acceleration that nobody measured.
        """
        last = self._base(stamp_ns)
        if last is None:
            return None
        seconds = max((stamp_ns - last.stamp_ns) * 1e-9, 0.0)
        T = self._expected(last, stamp_ns)
        deviations = [_UNKNOWN_ACCELERATION] * 3 + [_UNKNOWN_TURNING] * 3
        unknown = np.diag(np.square(deviations))
        moved = last.twist_covariance * seconds**2 + unknown * (0.5 * seconds**2) ** 2
        axes = np.kron(np.eye(2), T[:3, :3])
        return replace(
            last,
            stamp_ns=stamp_ns,
            T_world_camera=T,
            covariance=last.covariance + axes @ moved @ axes.T,
            twist_covariance=last.twist_covariance + unknown * seconds**2,
            depth=None,
            is_keyframe=False,
        )

    def _base(self, stamp_ns: int) -> Estimate | None:
        """What was said last before a time: the promise where it is not of a later one."""
        ahead = self._ahead
        is_due = ahead is not None and ahead.stamp_ns <= stamp_ns
        return ahead if is_due else self._last

    def _keep_promise(self, stamp_ns: int) -> None:
        if self._ahead is not None and self._ahead.stamp_ns <= stamp_ns:
            self._ahead = None

    def _jumps(self, last: Estimate, estimate: Estimate) -> bool:
        """Whether the new pose is too far from where the last one led."""
        seconds = max((estimate.stamp_ns - last.stamp_ns) * 1e-9, 0.0)
        expected = self._expected(last, estimate.stamp_ns)
        difference = rigid_inverse(expected) @ self.T_odom_world @ estimate.T_world_camera
        away = float(np.linalg.norm(difference[:3, 3]))
        turned = float(np.linalg.norm(Rotation.from_matrix(difference[:3, :3]).as_rotvec()))
        if last.tracking is not Tracking.TRACKING or seconds > _GAP:
            return away > _AFTER_LOSS[0] or turned > _AFTER_LOSS[1]
        if last.reason or last is self._ahead:
            return away > _AFTER_GUESS[0] or turned > _AFTER_GUESS[1]
        moved = float(np.linalg.norm(last.twist[:3])) * seconds
        return away > _STEP + moved + 0.5 * _ACCELERATION * seconds**2 or turned > _TURN

    def _expected(self, last: Estimate, stamp_ns: int) -> np.ndarray:
        """(4, 4): the last pose in odom, moved on by its twist."""
        seconds = min(max((stamp_ns - last.stamp_ns) * 1e-9, 0.0), _HORIZON)
        step = np.eye(4)
        step[:3, :3] = Rotation.from_rotvec(last.twist[3:] * seconds).as_matrix()
        step[:3, 3] = last.twist[:3] * seconds
        expected: np.ndarray = last.T_world_camera @ step
        return expected

    def _bridge(self, T_odom_camera: np.ndarray, T_world_camera: np.ndarray) -> None:
        """Link the frames so that the pose in odom is the expected one; remember the error."""
        unlinked = self.T_odom_world @ T_world_camera
        turn = Rotation.from_matrix(T_odom_camera[:3, :3] @ unlinked[:3, :3].T).as_rotvec()
        error = np.concatenate([T_odom_camera[:3, 3] - unlinked[:3, 3], turn])
        self._missed = self._missed_from(T_odom_camera[:3, 3]) + np.outer(error, error)
        self._missed_at = T_odom_camera[:3, 3].copy()
        self.T_odom_world = T_odom_camera @ rigid_inverse(T_world_camera)

    def _missed_from(self, position: np.ndarray) -> np.ndarray:
        """Covariance (6, 6) of what was missed, at a ``position`` (3,): turns swing it around."""
        carry = np.eye(6)
        carry[:3, 3:] = -cross_matrix(position - self._missed_at)
        carried: np.ndarray = carry @ self._missed @ carry.T
        return carried

    def _carried(self, estimate: Estimate) -> Estimate:
        if np.array_equal(self.T_odom_world, np.eye(4)):
            return estimate
        T = self.T_odom_world @ estimate.T_world_camera
        axes = np.kron(np.eye(2), self.T_odom_world[:3, :3])
        covariance = axes @ estimate.covariance @ axes.T + self._missed_from(T[:3, 3])
        return replace(estimate, T_world_camera=T, covariance=covariance)


def _steadied(last: Estimate | None, estimate: Estimate) -> Estimate:
    """The estimate with the velocity that predictions may start from."""
    if last is None:
        return estimate
    share = min(max((estimate.stamp_ns - last.stamp_ns) * 1e-9 / _STEADY, 0.0), 1.0)
    return replace(estimate, twist=share * estimate.twist + (1.0 - share) * last.twist)
