"""Constant-velocity motion model: predicts the next pose and estimates the velocity."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.frontend.frame import Motion
from denseba_ros.geometry import se3
from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.inertial.standstill import SeenPose

# Longest gap over which the last velocity predicts, seconds.
_MAX_GAP = 0.5
# Standard deviation per lost image: translation in median depths, rotation in radians.
_LOST_TRANSLATION, _LOST_ROTATION = 0.05, 0.05
# Seconds without a measurement that count like one lost image, however few images came.
_LOST_SECONDS = 0.1


class ImuMotion(Protocol):
    """What an IMU tells of the camera's motion; ``motion`` at a keyframe, to be set, lets it tell
    more than rotations."""

    motion: InertialMotion | None

    @property
    def status(self) -> ImuStatus | None:
        """What a user should know of it, None without samples."""
        ...

    def saw(self, seen: SeenPose) -> None:
        """The pose of an image was measured."""
        ...

    def between(self, start_ns: int, end_ns: int) -> np.ndarray | None:
        """R_end_start (3, 3) between two stamps of images, None where it is not known."""
        ...

    def turn(self, start_ns: int, end_ns: int) -> MeasuredTurn | None:
        """The same with its deviation, from a keyframe to a later image."""
        ...

    def moved(
        self, T: np.ndarray, start_ns: int, end_ns: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """T_camera_world (4, 4) at ``end_ns`` of a camera that was at ``T`` at ``start_ns``, and
        the covariance (6, 6) that this adds along its axes; None where it is not known."""
        ...

    def sigma(self, start_ns: int, end_ns: int) -> float:
        """Deviation of the rotation between two stamps of images, rad per axis."""
        ...


class MotionModel:
    """Pose T_camera_world ``T`` (4, 4) float64 of the last image, and the velocity.

    The velocity (6,) per second is that of a left perturbation of T_camera_world: translation in
    the map's unit, rotation in radians. ``imu`` tells the rotation instead, and the
    whole motion while images are lost, where it knows it.
    """

    def __init__(self, imu: ImuMotion | None = None) -> None:
        self.T = torch.eye(4, dtype=torch.float64)
        self._imu = imu
        # Whether the rotation is known through all images that were lost; the pose before them, and
        # what the IMU says since: a covariance (6, 6).
        self._is_turn_known = False
        self._before_lost = self.T.numpy()
        self._dead_reckoned: np.ndarray | None = None
        self._stamp_ns: int | None = None
        self._velocity = torch.zeros(6, dtype=torch.float64)
        self._interval = 0.0
        self._affine: Tensor | None = None
        self._lost = 0
        self._measured_ns: int | None = None

    def restart(self, stamp_ns: int, T: Tensor) -> None:
        """Set a pose without a velocity."""
        self.T, self._stamp_ns = T, stamp_ns
        self._velocity = torch.zeros_like(self._velocity)
        self._affine = None
        self._lost, self._measured_ns = 0, stamp_ns

    def predict(self, stamp_ns: int, motion: Motion | None, is_imu_used: bool = True) -> Tensor:
        """T_camera_world expected at ``stamp_ns`` by the last velocity and the frontend's rotation,
        or by the IMU where ``is_imu_used``.

        The frontend's translation is in metres, which the map need not be.
        """
        if is_imu_used and self._lost and (moved := self._moved_until(stamp_ns)) is not None:
            return torch.from_numpy(moved[0]).to(self.T)
        by_velocity = se3.exp(self._velocity * self.gap(stamp_ns))
        turn = self._turn_until(stamp_ns) if is_imu_used else None
        if turn is not None:
            centre = -(by_velocity[:3, :3].T @ by_velocity[:3, 3])
            by_velocity[:3, :3] = torch.from_numpy(turn)
            by_velocity[:3, 3] = -(by_velocity[:3, :3] @ centre)
        elif motion is not None:
            by_velocity[:3, :3] = motion.T_previous_current[:3, :3].T
        return by_velocity.to(self.T.device) @ self.T

    def _turn_until(self, stamp_ns: int) -> np.ndarray | None:
        if self._imu is None or self._stamp_ns is None or stamp_ns <= self._stamp_ns:
            return None
        return self._imu.between(self._stamp_ns, stamp_ns)

    def update(self, stamp_ns: int, T: Tensor, affine: Tensor) -> None:
        """Set the tracked pose ``T`` (4, 4) and brightness ``affine`` (2,); update the velocity."""
        gap = self.gap(stamp_ns)
        if gap > 0 and not self._lost:
            self._velocity = se3.log(T @ se3.inverse(self.T)).cpu() / gap
            self._interval = gap
        else:
            self._velocity = torch.zeros_like(self._velocity)
        self.T, self._stamp_ns, self._affine, self._lost = T, stamp_ns, affine, 0
        self._measured_ns = stamp_ns

    def set_approximate(self, stamp_ns: int, T: Tensor) -> None:
        """Set an approximate pose ``T`` (4, 4), without velocity; the covariance of the images lost
        before stays, but does not grow."""
        if self._measured_ns is not None and self._stamp_ns is not None:
            self._measured_ns += stamp_ns - self._stamp_ns
        self.T, self._stamp_ns, self._affine = T, stamp_ns, None
        self._velocity = torch.zeros_like(self._velocity)

    def set_refined(self, T: Tensor, affine: Tensor | None = None) -> None:
        """Replace the last pose by ``T`` (4, 4), refined by bundle adjustment; ``affine`` (2,) is
        its brightness, None: that of the keyframe."""
        if self._lost:
            change = se3.inverse(self.T) @ T
            self._before_lost = self._before_lost @ change.cpu().numpy()
        self.T = T
        self._affine = affine

    def rescale(self, factor: float) -> None:
        """Rescale the velocity after the map was scaled by ``factor`` about the camera."""
        self._velocity[:3] *= factor

    def coast(self, stamp_ns: int) -> None:
        """An image without a measured pose: take the prediction and decay the velocity, unless an
        IMU tells both."""
        is_known = self._turn_until(stamp_ns) is not None
        self._is_turn_known = is_known and (self._is_turn_known or not self._lost)
        if not self._lost:
            self._before_lost = self.T.cpu().numpy()
        moved = self._moved_until(stamp_ns)
        self._dead_reckoned = None if moved is None else moved[1]
        gap, before = self.gap(stamp_ns), self.T
        predicted = self.predict(stamp_ns, None)
        self.T = predicted if moved is None else torch.from_numpy(moved[0]).to(predicted)
        if moved is not None and gap > 0.0:
            self._velocity = se3.log(self.T @ se3.inverse(before)).cpu() / gap
        else:
            self._velocity = 0.7 * self._velocity
        self._stamp_ns = stamp_ns
        self._lost += 1

    @property
    def stamp_ns(self) -> int | None:
        """Stamp of the last image."""
        return self._stamp_ns

    def affine_or(self, other: Tensor) -> Tensor:
        """Brightness (2,) (log gain, offset) of the last tracked image, else ``other``."""
        return other if self._affine is None else self._affine

    def lost_covariance(self, depth: float) -> Tensor:
        """Covariance (6, 6) that the lost images, or the time since the last measurement, add;
        ``depth`` is the map's median depth."""
        if self._lost and self._dead_reckoned is not None:
            return torch.from_numpy(self._dead_reckoned)
        lost = float(self._lost)
        if self._lost:
            lost = max(lost, self._seconds_lost / _LOST_SECONDS)
        rotation = _LOST_ROTATION * lost
        if lost and self._is_turn_known and self._imu is not None and self._stamp_ns is not None:
            start_ns = self._stamp_ns if self._measured_ns is None else self._measured_ns
            rotation = min(rotation, self._imu.sigma(start_ns, self._stamp_ns))
        deviations = [_LOST_TRANSLATION * depth * lost] * 3 + [rotation] * 3
        return torch.diag(torch.tensor(deviations, dtype=torch.float64)) ** 2

    def _moved_until(self, stamp_ns: int) -> tuple[np.ndarray, np.ndarray] | None:
        """By the IMU, since the last image that was measured."""
        if self._imu is None or self._measured_ns is None:
            return None
        return self._imu.moved(self._before_lost, self._measured_ns, stamp_ns)

    @property
    def _seconds_lost(self) -> float:
        if self._stamp_ns is None or self._measured_ns is None:
            return 0.0
        return (self._stamp_ns - self._measured_ns) * 1e-9

    def twist(self, step_covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity (6,) of the camera in its own frame, with covariance (6, 6).

        ``step_covariance`` (6, 6) is that of the motion since the image before.
        T_camera_world moves by exp(velocity * dt) on the left, so the camera moves the other way.
        """
        interval = self._interval or 1.0
        return -self._velocity, step_covariance / interval**2

    def gap(self, stamp_ns: int) -> float:
        """Seconds since the last image, at most the longest that is predicted."""
        if self._stamp_ns is None:
            return 0.0
        return min(max((stamp_ns - self._stamp_ns) * 1e-9, 0.0), _MAX_GAP)
