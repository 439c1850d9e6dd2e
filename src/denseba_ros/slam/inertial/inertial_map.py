"""What the IMU says of the keyframes of a map; brought up to date with each new one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.errors import ImuError
from denseba_ros.geometry import pose_step
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.inertial_equations import Motion
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState
from denseba_ros.imu.initialisation.alignment import Alignment, AlignmentPrior, align
from denseba_ros.imu.initialisation.gyroscope_bias import GYROSCOPE_BIAS
from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.preintegration import preintegrate
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.slam.inertial.accelerometer_trust import (
    ACCELEROMETER_BIAS,
    has_plausible_bias,
    leads_to,
)
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.inertial_chain import InertialChain
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.inertial.keyframe_path import KeyframePath
from denseba_ros.slam.inertial.map_drift import MapDrift
from denseba_ros.slam.inertial.places import Place, after_rest, at_rest, taken_over

_log = logging.getLogger(__name__)

# Errors of a keyframe's pose against its neighbours: of the position over the depth of the scene,
# about half a pixel, and of the rotation, rad.
POSITION_RATIO, ROTATION_SIGMA = 1e-3, 1e-3
# Intervals between keyframes longer than this (s) are not used.
_LONGEST = 3.0
# Keyframes, and their seconds, that the first alignment needs; it is tried at one keyframe in so
# many.
_FEWEST, _SECONDS, _EVERY = 12, 4.0, 6
# Of a standstill so much is looked at, its end.
_TELLING_NS = 2_000_000_000


class InertialMap:
    """Of one map. ``motion`` is what is known at its newest keyframe, None before enough
    acceleration was felt; ``doubt`` says why.

    ``prediction`` outlives it, as it is of the sensor; ``is_inertial``: the accelerometer is used.
    """

    def __init__(self, prediction: ImuPrediction, is_inertial: bool) -> None:
        self._prediction, self._is_inertial = prediction, is_inertial
        self._path = KeyframePath()
        self._chain: InertialChain | None = None
        self._newest_ns, self._count = 0, 0
        # Up to when the samples are in the chain, as a stamp of images; and since when the
        # accelerometer may be right.
        self._left_ns, self._fits_since_ns = 0, 0
        self.motion: InertialMotion | None = None
        self.doubt = "no motion yet"

    def update(self, window: Mapping[int, np.ndarray], growth: float, median_depth: float) -> None:
        """The poses of the ``window``, T_world_camera (4, 4) by stamp, after an adjustment and
        growth of the world about the newest camera; ``median_depth`` there, units of the map."""
        self._path.update(window, growth)
        newest = max(window)
        if newest <= self._newest_ns:
            return
        self._newest_ns = newest
        if self._prediction.recalibrate():
            self._chain, self.motion, self._count = None, None, -1
            self.doubt = "clocks or axes are others since now"
        stamps, intervals = self._covered()
        if intervals and self._prediction.trust.is_earned:
            T = np.stack([self._path.poses[stamp] for stamp in stamps[-2:]])
            path = VisualPath(T, 1.0, ROTATION_SIGMA, self._calibration.T_imu_camera)
            known = self._prediction.known_bias
            self._prediction.bias.update(path, intervals[-1], self._calibration.noise, known)
        if not self._is_inertial or not np.isfinite(median_depth):
            return
        sigma = np.repeat([POSITION_RATIO * median_depth, ROTATION_SIGMA], 3)
        if self._chain is None:
            self._start(stamps, intervals, sigma, median_depth)
        else:
            self._go_on(self._chain, growth, sigma, median_depth)

    @property
    def _calibration(self) -> ImuCalibration:
        return self._prediction.calibration

    def turn(self, start_ns: int, end_ns: int, R_seen: np.ndarray) -> MeasuredTurn | None:
        """From one keyframe to the next by the gyroscope; None where it is not known, or not what
        tracking gave: R_later_earlier ``R_seen`` (3, 3)."""
        turn = self._prediction.turn(start_ns, end_ns)
        return turn if turn is not None and turn.fits(R_seen) else None

    def _go_on(self, chain: InertialChain, growth: float, sigma: np.ndarray, depth: float) -> None:
        """Take rests and the newest keyframe into the chain; without samples up to it it ends."""
        poses = {stamp: pose_step.inverse(T) for stamp, T in self._path.poses.items()}
        chain.see(poses, growth, self._path.poses[self._newest_ns][:3, 3])
        places = [
            *taken_over(self._prediction.standstill.rests, chain.newest_ns, poses, growth),
            Place(self._newest_ns, self._newest_ns, poses[self._newest_ns]),
        ]
        for place in places:
            is_next = place.since_ns > self._left_ns
            if self.motion is None or (is_next and not self._append(chain, place, sigma, depth)):
                self._chain = self.motion = None
                self.doubt = "samples are missing between keyframes"
                return
            if self._chain is None:
                return
            if place.rest is not None:
                self._stand(chain, place.since_ns, place.until_ns)
        self.motion = chain.motion
        if self.motion is not None and not has_plausible_bias(self.motion.state.bias):
            self._distrust()

    def _distrust(self) -> None:
        """The accelerometer is wrong; align anew what comes from now on."""
        self._chain = self.motion = None
        self._fits_since_ns = self._newest_ns
        self.doubt = "the accelerometer does not fit the images"

    def _append(self, chain: InertialChain, place: Place, sigma: np.ndarray, depth: float) -> bool:
        """Go on to the next ``place``, or not where the accelerometer leads elsewhere; False where
        samples are missing."""
        assert self.motion is not None
        if not self._prediction.is_confirmed_since(self._left_ns):
            return False
        samples = self._prediction.samples(self._left_ns, place.since_ns)
        if samples is None and place.rest is not None:
            samples = place.rest.arrived_from(self._calibration.imu_time(self._left_ns))
        if samples is None or samples.seconds > _LONGEST or len(samples) < 2:
            return False
        motion, seen = chain.motion, place.T_camera_world
        if motion is None:
            return False
        drift = MapDrift.between(chain.newest_seen, seen, depth)
        if not leads_to(
            motion.after(drift), self._calibration, samples, chain.newest_seen, seen, sigma
        ):
            self._distrust()
            return True
        measured = preintegrate(samples, self.motion.state.bias, self._calibration.noise)
        stood = (self._left_ns - chain.newest_ns) * 1e-9
        if stood > 0.0:
            measured = after_rest(measured, stood, self._calibration.noise)
        factor = InertialFactor(measured, self._calibration.T_imu_camera)
        chain.append(place.since_ns, seen, sigma, factor, drift)
        self.motion, self._left_ns = chain.motion, place.until_ns
        return True

    def _stand(self, chain: InertialChain, since_ns: int, until_ns: int) -> None:
        """The camera stands at the newest place of the chain."""
        self._left_ns = max(until_ns, self._left_ns)
        start_ns = max(since_ns, until_ns - _TELLING_NS)
        samples = self._prediction.samples(start_ns, until_ns)
        if samples is None or self.motion is None or len(samples) < 2:
            return
        measured = preintegrate(samples, self.motion.state.bias, self._calibration.noise)
        factor = InertialFactor(at_rest(measured), self._calibration.T_imu_camera)
        chain.rest(factor)
        self.motion = chain.motion

    def _start(
        self,
        stamps: list[int],
        intervals: list[ImuSamples],
        sigma: np.ndarray,
        depth: float,
    ) -> None:
        """Align what there is, now and then, until that is sure."""
        self._count += 1
        seconds = sum(samples.seconds for samples in intervals)
        if len(stamps) < _FEWEST or seconds < _SECONDS or self._count % _EVERY:
            return
        if not self._prediction.trust.is_earned:
            is_wrong = self._prediction.trust.is_wrong
            self.doubt = "the gyroscope is wrong" if is_wrong else "not enough turn yet"
            return
        T = np.stack([self._path.poses[stamp] for stamp in stamps])
        path = VisualPath(T, sigma[0], sigma[-1], self._calibration.T_imu_camera)
        try:
            prior = AlignmentPrior(ACCELEROMETER_BIAS)
            found = align(path, intervals, self._calibration.noise, prior)
        except ImuError as error:
            self.doubt = str(error)
            return
        self.doubt = found.doubt
        if not has_plausible_bias(found.bias, found.fit):
            # It may have been wrong on a part of the way.
            self._fits_since_ns = stamps[len(stamps) // 2]
            self.doubt = "the accelerometer does not fit the images: is it in m/s2?"
        if not self.doubt:
            self._begin(stamps, path, found, sigma, depth)

    def _begin(
        self,
        stamps: list[int],
        path: VisualPath,
        found: Alignment,
        sigma: np.ndarray,
        depth: float,
    ) -> None:
        states = [
            InertialState(pose_step.inverse(T), velocity, found.bias)
            for T, velocity in zip(path.T_world_camera, found.velocities, strict=True)
        ]
        factors = [InertialFactor(m, path.T_imu_camera) for m in found.measured]
        known = np.repeat([GYROSCOPE_BIAS, ACCELEROMETER_BIAS], 3)
        sigmas = np.tile(sigma, (len(stamps), 1))
        gain = self._calibration.noise.accelerometer_scale
        motion = Motion(states, found.world)
        chain = InertialChain(stamps, sigmas, factors, motion, known, gain, depth)
        self._chain, self.motion, self._left_ns = chain, chain.motion, stamps[-1]
        if chain.motion is not None:
            _log.info(
                "the IMU gives metres: one unit of the map is %.3f m, known to %.1f %%",
                chain.motion.world.metres_per_unit,
                100.0 * chain.motion.scale.sigma,
            )

    def _covered(self) -> tuple[list[int], list[ImuSamples]]:
        """Stamps of the last keyframes with samples for every interval between them, and those."""
        stamps = list(self._path.poses)
        chosen: list[ImuSamples] = []
        for earlier, later in reversed(list(pairwise(stamps))):
            samples = self._prediction.samples(earlier, later)
            if earlier < self._fits_since_ns and self._is_inertial:
                break
            if samples is None or samples.seconds > _LONGEST or len(samples) < 2:
                break
            chosen.append(samples)
            if self._chain is not None or not self._is_inertial:
                break
        count = len(chosen) + 1
        return stamps[-count:], chosen[::-1]
