"""The camera's motion between two images by the IMU: a prediction for tracking, and what the pose
goes on by where images show nothing."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.gyroscope_rotation import angle, turned
from denseba_ros.imu.rotation_jacobians import rotation_log
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import ImuSource
from denseba_ros.slam.inertial.dead_reckoning import dead_reckoned
from denseba_ros.slam.inertial.gyroscope.bias import GyroscopeBias
from denseba_ros.slam.inertial.gyroscope.seen_turn import SeenTurn
from denseba_ros.slam.inertial.gyroscope.trust import GyroscopeTrust
from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.inertial.online_calibration import OnlineCalibration
from denseba_ros.slam.inertial.standstill import Rest, SeenPose, Standstill

_log = logging.getLogger(__name__)

# The last angular velocity is held for so long (s) where samples come later than images.
_HELD = 0.05
# Seconds of a turn, at most.
_LONGEST = 3.0
# Of the axes and the scale of the gyroscope (a share of a turn), and of the clocks (s) with the
# rolling shutter; the angular velocity at an image is taken over so long on either side.
_AXES, _CLOCKS, _AROUND_NS = 0.003, 2e-3, 5_000_000
# The gyroscope's bias is read off once a standstill has lasted so long (s), and then again.
_TELLING = 1.0
# Deviation (m/s) per axis of the velocity at a standstill.
_STILL = 0.005


class ImuPrediction:
    """Motions of the camera between stamps of images.

    ``bias`` is to be kept up to date; ``calibration`` is the one in use; ``motion`` at a keyframe,
    to be set, lets positions be known too: None, only rotations are. ``trust``: whether turns of
    the images confirmed those of the gyroscope; ``standstill``: where the camera stood;
    ``online``: what its turns say of clocks and axes, None where that is not wanted.
    """

    def __init__(
        self, source: ImuSource, calibration: ImuCalibration, is_calibrating: bool = False
    ) -> None:
        """``is_calibrating``: clocks and axes are estimated, and used where they are off."""
        self._source, self.calibration = source, calibration
        self.online = OnlineCalibration(source) if is_calibrating else None
        self.bias, self.trust = GyroscopeBias(), GyroscopeTrust()
        self._seen, self._is_wrong_said = SeenTurn(), False
        self._confirmed_ns: int | None = 0
        self.motion: InertialMotion | None = None
        self.standstill = Standstill(self._up_to_newest, calibration.noise)
        self._rested_ns = 0

    def between(self, start_ns: int, end_ns: int) -> np.ndarray | None:
        """R_end_start (3, 3) of the camera from one image to another; None without samples, or
        while turns of the images did not confirm such a one."""
        samples = self._up_to_newest(start_ns, end_ns, is_held=True)
        if samples is None or not self.is_confirmed_since(start_ns):
            return None
        R_imu_camera = self.calibration.T_imu_camera[:3, :3]
        if not self.trust.may_use(R_imu_camera.T @ angle(samples, self.bias.mean)):
            return None
        R: np.ndarray = R_imu_camera.T @ turned(samples, self.bias.mean).T @ R_imu_camera
        return R

    def saw(self, seen: SeenPose) -> None:
        """An image was measured; one at rest tells the gyroscope's bias."""
        if self._source.newest_ns is None:
            return
        if self.online is not None:
            self.online.saw(seen.stamp_ns, seen.T[:3, :3].T)
        self._judge(seen)
        newest_ns = seen.keyframe_ns if self.motion is None else self.motion.stamp_ns
        self.standstill.saw(seen, newest_ns)
        if not self.standstill.is_now:
            return
        since_ns = max(self.standstill.rests[-1].since_ns, self._rested_ns)
        if seen.stamp_ns - since_ns < _TELLING * 1e9 or not self.trust.is_likely:
            return
        self._rested_ns = seen.stamp_ns
        samples = self._up_to_newest(since_ns, seen.stamp_ns)
        if samples is not None:
            self.bias.rested(samples, self.calibration.noise)

    def _judge(self, seen: SeenPose) -> None:
        """Compare a turn of the images with that of the gyroscope."""
        if self._seen.saw(seen):
            self.trust.next_span()
        samples = self._up_to_newest(self._seen.start_ns, seen.stamp_ns, is_held=True)
        if samples is None:
            self._seen.begin_at(seen)
            return
        R_camera_imu = self.calibration.T_imu_camera[:3, :3].T
        self.trust.see(self._seen.span(seen, samples, R_camera_imu))
        if not self.trust.is_likely:
            self._confirmed_ns, self.bias = None, GyroscopeBias()
        elif self._confirmed_ns is None:
            self._confirmed_ns = self._seen.start_ns
        if self.trust.is_wrong and not self._is_wrong_said:
            self._is_wrong_said = True
            _log.warning(
                "the gyroscope turns otherwise than the images: it is not used until they agree; "
                "%s",
                self.trust.cause,
            )

    def is_confirmed_since(self, stamp_ns: int) -> bool:
        """Whether the gyroscope was never thought to be wrong since an image; samples before the
        first turns that made it right may be of another unit."""
        confirmed_ns = self._confirmed_ns
        return confirmed_ns is not None and confirmed_ns <= stamp_ns

    @property
    def known_bias(self) -> tuple[np.ndarray, float]:
        """(3,) rad/s along the IMU's axes with a deviation per axis, as turns of images show it."""
        bias, sigma = self.trust.bias
        return self.calibration.T_imu_camera[:3, :3] @ bias, sigma

    def recalibrate(self) -> bool:
        """Whether clocks or axes are others from now on, by the last images; to be called with
        each keyframe."""
        better = None if self.online is None else self.online.update(self.calibration)
        if better is None:
            return False
        self.use_calibration(better)
        return True

    def use_calibration(self, calibration: ImuCalibration) -> None:
        """Use another one from now on."""
        if not np.array_equal(calibration.T_imu_camera, self.calibration.T_imu_camera):
            self.bias, self.trust, self._confirmed_ns = GyroscopeBias(), GyroscopeTrust(), 0
        self.calibration = calibration

    @property
    def status(self) -> ImuStatus | None:
        """What is known of clocks and axes, and whether the camera stands; None without samples."""
        if self._source.newest_ns is None:
            return None
        found = None if self.online is None else self.online.found
        doubt = "" if self.online is None else self.online.doubt
        trust = self.trust
        status = ImuStatus(trust.is_earned, trust.is_wrong, self.standstill.is_now, doubt)
        if (motion := self.motion) is not None:
            x, y, z = motion.world.R_world_gravity[:, 2].tolist()
            status = replace(status, up=(x, y, z), up_sigma=motion.gravity_deviation)
        if found is None:
            return status
        turned_by = rotation_log(self.calibration.T_imu_camera[:3, :3].T @ found.axes)
        return replace(
            status,
            time_offset=found.seconds,
            time_offset_sigma=found.seconds_sigma,
            axes_off=float(np.linalg.norm(turned_by)),
            axes_sigma=found.axes_sigma,
        )

    def moved(
        self, T: np.ndarray, start_ns: int, end_ns: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """T_camera_world (4, 4) at ``end_ns`` of a camera that was at ``T`` (4, 4) at ``start_ns``,
        and the covariance (6, 6) that this adds, units of the map along the axes of the later
        camera; None before turns of the images confirmed the gyroscope, and where it does not stand
        still, and velocity, gravity or scale are not known.
        """
        if self.trust.is_earned and self.standstill.lasts_until(end_ns):
            return T, self.standstill.rests[-1].covariance
        motion = self.motion
        if motion is not None and (rests := self.standstill.rests):
            motion, start_ns = _from_rest(motion, rests[-1], start_ns)
        if motion is None or not motion.stamp_ns <= start_ns < end_ns or not self.trust.is_earned:
            return None
        before: ImuSamples | None = None
        if motion.stamp_ns < start_ns:
            before = self.samples(motion.stamp_ns, start_ns)
            if before is None:
                return None
        samples = self.samples(start_ns, end_ns)
        if samples is None:
            return None
        return dead_reckoned(motion, self.calibration, T, before, samples)

    def sigma(self, start_ns: int, end_ns: int) -> float:
        """Deviation (rad) per axis of the rotation between two stamps of images, by noise, bias
        and what is in doubt of unit and axes."""
        seconds = max(end_ns - start_ns, 0) * 1e-9
        white = self.calibration.noise.gyroscope * math.sqrt(seconds)
        samples = self._up_to_newest(start_ns, end_ns)
        turn = np.zeros(3) if samples is None else angle(samples, self.bias.mean)
        doubt = self.trust.deviation(self.calibration.T_imu_camera[:3, :3].T @ turn)
        return math.hypot(white, self.bias.sigma * seconds, doubt)

    def turn(self, start_ns: int, end_ns: int) -> MeasuredTurn | None:
        """From a keyframe to a later image by the gyroscope, with its deviation; None where that is
        not known, or long ago."""
        if end_ns - start_ns > _LONGEST * 1e9 or (R := self.between(start_ns, end_ns)) is None:
            return None
        return MeasuredTurn(R, self.turn_sigma(R, start_ns, end_ns))

    def turn_sigma(self, R: np.ndarray, start_ns: int, end_ns: int) -> float:
        """Deviation (rad) per axis of the turn ``R`` (3, 3), with what axes, clocks and the rolling
        shutter are off."""
        turn = float(np.linalg.norm(rotation_log(R)))
        # Clocks that are off by dt turn both ends by their own angular velocity times dt.
        change = float(np.linalg.norm(self._rate(end_ns) - self._rate(start_ns)))
        off = math.hypot(_AXES * turn, _CLOCKS * change)
        return math.hypot(off, self.sigma(start_ns, end_ns))

    def _rate(self, stamp_ns: int) -> np.ndarray:
        """Angular velocity (3,) rad/s at an image; zero where it is not known."""
        samples = self._between(stamp_ns - _AROUND_NS, stamp_ns + _AROUND_NS)
        rate: np.ndarray = np.zeros(3) if samples is None else samples.gyroscope.mean(0)
        return rate

    def samples(self, start_ns: int, end_ns: int) -> ImuSamples | None:
        """Those between two stamps of images; None where some are missing, or the gyroscope was
        thought to be wrong since."""
        return self._between(start_ns, end_ns) if self.is_confirmed_since(start_ns) else None

    def _between(self, start_ns: int, end_ns: int) -> ImuSamples | None:
        return self._source.between(
            self.calibration.imu_time(start_ns), self.calibration.imu_time(end_ns)
        )

    def _up_to_newest(self, start_ns: int, end_ns: int, is_held: bool = False) -> ImuSamples | None:
        """The same, up to the newest where the last of them are a little late; ``is_held``: that
        is repeated at the end."""
        start, end = (self.calibration.imu_time(stamp) for stamp in (start_ns, end_ns))
        newest = self._source.newest_ns
        if newest is None or newest <= start or end - newest > _HELD * 1e9:
            return None
        samples = self._source.between(start, min(end, newest))
        if samples is None or not is_held or end <= newest:
            return samples
        return samples.held_until(end)


def _from_rest(motion: InertialMotion, rest: Rest, start_ns: int) -> tuple[InertialMotion, int]:
    """``motion`` at the end of a ``rest`` after it, without velocity; and the later of that and
    ``start_ns``, up to when nothing is integrated."""
    if rest.until_ns <= motion.stamp_ns:
        return motion, start_ns
    covariance = motion.covariance.copy()
    covariance[6:9], covariance[:, 6:9] = 0.0, 0.0
    covariance[6:9, 6:9] = _STILL**2 * np.eye(3)
    state = replace(motion.state, T_camera_world=rest.seen.T, velocity=np.zeros(3))
    motion = replace(motion, stamp_ns=rest.until_ns, state=state, covariance=covariance)
    return motion, max(start_ns, rest.until_ns)
