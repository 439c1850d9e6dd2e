"""The odometry frame that never jumps (REP-105) and carries every motion that was measured.

Tracking measures the pose in the map's world frame. What is published may differ from it: a
prediction was published for an image that came late or could not be used, or the first images had
no parallax. Such a difference is a loan. It flows back over the next images at a bounded speed, so
that nothing measured is lost; until then it is part of the covariance. Only where tracking was lost
and recovers elsewhere does the transform between both frames take the difference.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.geometry.cross_product import hat_array
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.state.rigid_motion import difference, displaced, extrapolate, interpolate

# What flows back a second: metres and radians, and shares of the camera's own speed.
_REPAID_TRANSLATION, _REPAID_ROTATION, _REPAID_SHARE = 0.2, 0.2, 0.5
# Tracking that was lost for longer (seconds) may recover anywhere, for instance in a new map.
_MAX_LOST = 0.5
# Smaller differences after a recovery flow back, too: metres, radians.
_MAX_AFTER_LOST = (0.02, 0.02)
# A step beyond any vehicle's is no motion: metres, m/s^2, radians.
_MAX_STEP, _MAX_ACCELERATION, _MAX_ROTATION = 0.05, 10.0, 0.5
# After a longer gap without an image (seconds) the whole motion flows in like a loan.
_MAX_GAP = 1.0
# Velocities between images closer than this (seconds) are mostly noise: several are averaged.
_SMOOTHING_TIME = 0.033
# The velocity of an implausible step is the median of so many measured ones.
_COMPARED = 3
# Factor of the velocity for each image without a pose.
_VELOCITY_DECAY = 0.7
# Process noise of a prediction, standard deviation of the acceleration: m/s^2, rad/s^2.
_LINEAR_ACCELERATION_SIGMA, _ANGULAR_ACCELERATION_SIGMA = 5.0, 5.0


class OdomContinuity:
    """Transforms estimates from the world frame into a continuous odometry frame.

    ``T_odom_world`` (4, 4) float64 is the identity until tracking is lost and recovers elsewhere.
    ``loan`` (6,) is by how much the last pose that was published is ahead of what was measured:
    translation and rotation vector along the axes of odom.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Make both frames the same again, as for a new map that is announced."""
        self.T_odom_world = np.eye(4)
        self.loan = np.zeros(6)
        # In odom, without the loan: the newest pose, and the newest that was measured.
        self._newest: Estimate | None = None
        self._measured: Estimate | None = None
        # As published, with the loan.
        self._published: tuple[int, np.ndarray] | None = None
        self._was_lost = False
        self._twists: deque[np.ndarray] = deque(maxlen=_COMPARED)
        self._jump_covariance = np.zeros((6, 6))
        self._jump_position = np.zeros(3)

    def update(self, estimate: Estimate) -> Estimate:
        """The estimate in the odometry frame; stamps must increase from call to call."""
        is_measured = estimate.is_measured
        if estimate.map_motion is not None:
            self._move_map(estimate.map_motion)
        in_odom = self._in_odom(estimate)
        if self._newest is not None and self._measured is not None:
            before = self._measured if is_measured else self._newest
            if is_measured and self._recovers_elsewhere(before, in_odom):
                in_odom = self._absorb_jump(estimate)
            else:
                self._borrow(before, in_odom, is_measured)
            in_odom = _with_smoothed_twist(self._newest, in_odom)
            if is_measured:
                in_odom = self._with_plausible_twist(before, in_odom)
        self._newest = in_odom
        if is_measured or self._measured is None:
            self._measured = in_odom
        self._was_lost = not is_measured and (self._was_lost or estimate.tracking is Tracking.LOST)
        return self._publish(self._with_loan(in_odom))

    def predict_published(self, stamp_ns: int) -> Estimate | None:
        """A prediction that is published before the estimate of its image: what it errs by is
        borrowed. None before the first estimate."""
        predicted = self.predict(stamp_ns)
        return None if predicted is None else self._publish(predicted)

    def coast(self, stamp_ns: int) -> Estimate | None:
        """Continue by prediction over a time without a measurement; None before the first estimate.

        The velocity decays, as it is unknown how long it lasts.
        """
        if self._newest is None:
            return None
        moved = _predicted(self._newest, stamp_ns)
        twist = _VELOCITY_DECAY * moved.twist
        self._newest = replace(moved, tracking=Tracking.LOST, twist=twist, quality=0.0)
        return self._publish(self._with_loan(self._newest))

    def predict(self, stamp_ns: int) -> Estimate | None:
        """Constant-velocity prediction for a later stamp; None before the first estimate.

        The covariance grows by that of the velocity and by that of an unmeasured acceleration.
        """
        return None if self._newest is None else self._with_loan(_predicted(self._newest, stamp_ns))

    def _move_map(self, motion: np.ndarray) -> None:
        """An adjustment moved the poses of the map (4, 4): no motion of the camera, so what was
        published before is lent."""
        in_odom = self.T_odom_world @ motion @ pose_step.inverse(self.T_odom_world)
        if self._newest is not None:
            self._newest = _moved(self._newest, in_odom)
        if self._measured is not None:
            self._measured = _moved(self._measured, in_odom)

    # -- loan ----------------------------------------------------------------------------------

    def _borrow(self, before: Estimate, now: Estimate, is_measured: bool) -> None:
        """Compare what was published last with what is known of that time now; then a part of the
        difference flows back."""
        if self._published is None or self._newest is None:
            return
        stamp_ns, T_published = self._published
        seconds = (now.stamp_ns - stamp_ns) * 1e-9
        if not _is_approximate(self._newest) and _is_implausible(before, now):
            published = replace(self._newest, T_world_camera=T_published, stamp_ns=stamp_ns)
            self.loan = difference(extrapolate(published, now.stamp_ns), now.T_world_camera)
        elif seconds < 0.0:
            self.loan = difference(T_published, extrapolate(now, stamp_ns))
        else:
            self.loan = difference(T_published, interpolate(before, now, stamp_ns))
        if is_measured and seconds > 0.0:
            self._repay(now, seconds)

    def _with_plausible_twist(self, before: Estimate, now: Estimate) -> Estimate:
        """The estimate; where its pose is no motion from ``before``, with the median of the last
        velocities: an image that was aligned wrongly, and the way back from there, are no speed."""
        self._twists.append(now.twist)
        is_motion = _is_approximate(before) or not _is_implausible(before, now)
        if is_motion or len(self._twists) < _COMPARED:
            return now
        twist = np.median(self._twists, axis=0)
        error = now.twist - twist
        return replace(
            now, twist=twist, twist_covariance=now.twist_covariance + np.outer(error, error)
        )

    def _repay(self, now: Estimate, seconds: float) -> None:
        """Let the loan flow back at a bounded speed."""
        speed, rate = (float(np.linalg.norm(v)) for v in (now.twist[:3], now.twist[3:]))
        for part, limit in (
            (self.loan[:3], (_REPAID_TRANSLATION + _REPAID_SHARE * speed) * seconds),
            (self.loan[3:], (_REPAID_ROTATION + _REPAID_SHARE * rate) * seconds),
        ):
            size = float(np.linalg.norm(part))
            part *= max(1.0 - limit / size, 0.0) if size > 0.0 else 0.0

    def _with_loan(self, estimate: Estimate) -> Estimate:
        """The estimate in odom as it is published; the same one where nothing is lent."""
        if not self.loan.any():
            return estimate
        covariance = estimate.covariance + np.outer(self.loan, self.loan)
        T = displaced(estimate.T_world_camera, self.loan)
        return replace(estimate, T_world_camera=T, covariance=covariance)

    def _publish(self, estimate: Estimate) -> Estimate:
        """Remember what is published; for one time the first counts."""
        if self._published is None or estimate.stamp_ns > self._published[0]:
            self._published = estimate.stamp_ns, estimate.T_world_camera
        return estimate

    # -- jumps ---------------------------------------------------------------------------------

    def _recovers_elsewhere(self, before: Estimate, now: Estimate) -> bool:
        """Whether tracking was lost, and the pose is another one than the prediction."""
        if not self._was_lost or self._newest is None:
            return False
        error = difference(now.T_world_camera, extrapolate(self._newest, now.stamp_ns))
        distance, angle = np.linalg.norm(error[:3]), np.linalg.norm(error[3:])
        if distance <= _MAX_AFTER_LOST[0] and angle <= _MAX_AFTER_LOST[1]:
            return False
        seconds = (now.stamp_ns - before.stamp_ns) * 1e-9
        return seconds > _MAX_LOST or _is_implausible(before, now)

    def _absorb_jump(self, estimate: Estimate) -> Estimate:
        """Set ``T_odom_world`` so that odom continues as predicted; the error of that becomes part
        of the covariance, and nothing is lent any more."""
        predicted = self.predict(estimate.stamp_ns)
        assert predicted is not None
        T_odom_camera = predicted.T_world_camera
        error = difference(T_odom_camera, self.T_odom_world @ estimate.T_world_camera)
        self._jump_covariance = self._jump_covariance_at(T_odom_camera[:3, 3])
        self._jump_covariance = self._jump_covariance + np.outer(error, error)
        self._jump_position = T_odom_camera[:3, 3].copy()
        self.T_odom_world = T_odom_camera @ pose_step.inverse(estimate.T_world_camera)
        self.loan = np.zeros(6)
        return self._in_odom(estimate)

    def _jump_covariance_at(self, position: np.ndarray) -> np.ndarray:
        """Covariance (6, 6) of all jumps so far at a ``position`` (3,): errors of the rotation move
        positions with the distance."""
        transport = np.eye(6)
        transport[:3, 3:] = -hat_array(position - self._jump_position)
        covariance: np.ndarray = transport @ self._jump_covariance @ transport.T
        return covariance

    def _in_odom(self, estimate: Estimate) -> Estimate:
        """The estimate in the odometry frame, without the loan."""
        if np.array_equal(self.T_odom_world, np.eye(4)):
            return estimate
        T = self.T_odom_world @ estimate.T_world_camera
        axes = np.kron(np.eye(2), self.T_odom_world[:3, :3])
        covariance = axes @ estimate.covariance @ axes.T + self._jump_covariance_at(T[:3, 3])
        return replace(estimate, T_world_camera=T, covariance=covariance)


def _moved(estimate: Estimate, motion: np.ndarray) -> Estimate:
    """The estimate with its pose multiplied by ``motion`` (4, 4) from the left."""
    return replace(estimate, T_world_camera=motion @ estimate.T_world_camera)


def _with_smoothed_twist(last: Estimate, estimate: Estimate) -> Estimate:
    """The estimate with a velocity that is averaged over ``_SMOOTHING_TIME``."""
    seconds = (estimate.stamp_ns - last.stamp_ns) * 1e-9
    weight = min(max(seconds / _SMOOTHING_TIME, 0.0), 1.0)
    if weight == 1.0:
        return estimate
    return replace(estimate, twist=weight * estimate.twist + (1.0 - weight) * last.twist)


def _predicted(last: Estimate, stamp_ns: int) -> Estimate:
    """Constant velocity until ``stamp_ns``, with the covariance of that."""
    seconds = max((stamp_ns - last.stamp_ns) * 1e-9, 0.0)
    T = extrapolate(last, stamp_ns)
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


def _is_approximate(estimate: Estimate) -> bool:
    """Whether there was no parallax yet: then the velocity is unknown, and nothing implausible."""
    return bool(estimate.reason) and estimate.tracking is not Tracking.LOST


def _is_implausible(before: Estimate, now: Estimate) -> bool:
    """Whether no vehicle moves like this from image to image, or nobody knows after a gap."""
    seconds = max((now.stamp_ns - before.stamp_ns) * 1e-9, 0.0)
    error = difference(now.T_world_camera, extrapolate(before, now.stamp_ns))
    travelled = float(np.linalg.norm(before.twist[:3])) * seconds
    limit = _MAX_STEP + travelled + 0.5 * _MAX_ACCELERATION * seconds**2
    distance, angle = np.linalg.norm(error[:3]), np.linalg.norm(error[3:])
    return bool(seconds > _MAX_GAP or distance > limit or angle > _MAX_ROTATION)
