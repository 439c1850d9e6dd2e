"""A walk that halts for a while, given image by image; keyframes only while the camera moves."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import pose_step
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.rendering.halting import HALT_SECONDS, halting
from denseba_ros.sequences.rendering.rendered_sequence import START_NS
from denseba_ros.sequences.room.room_trajectory import room_poses
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_along
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.inertial_map import InertialMap
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.inertial.standstill import SeenPose
from tests.slam.inertial.walk import SCALE, T_IMU_CAMERA

_MOVING = 9.0
HALT, REST = _MOVING + HALT_SECONDS, 30.0
"""The camera stands from then (s) for so long."""
_RATE, _EVERY, _WINDOW, _DEPTH = 20.0, 5, 7, 2.0


class HaltingWalk:
    """``prediction`` and ``map`` as in the system; every fifth image is a keyframe, errors of
    keyframes 2 mm and 0.06 degrees, of images a tenth."""

    def __init__(self, seed: int) -> None:
        self._rng = rng = np.random.default_rng(seed)
        bias = rng.normal(0.0, 1.0, 6)
        self.gyroscope_bias = 0.01 * bias[:3]
        model = ImuModel(
            noise=ImuNoise(),
            gyroscope_bias=tuple(self.gyroscope_bias),
            accelerometer_bias=tuple(0.1 * bias[3:]),
            T_imu_camera=T_IMU_CAMERA,
        )
        self._poses = halting(partial(room_poses, "handheld", seed=seed), _MOVING, REST)
        self.samples = simulate_along(self._poses, HALT + REST + 5.0, model, seed).samples
        self.calibration = ImuCalibration(ImuNoise(), T_IMU_CAMERA, 0)
        self.prediction = ImuPrediction(RecordedImu(self.samples), self.calibration)
        self.map = InertialMap(self.prediction, True)
        self.scale, self.newest_ns = SCALE, 0
        self._next, self._keyframes = 0, dict[int, np.ndarray]()

    def stamp(self, seconds: float) -> int:
        return START_NS + round(1e9 * seconds)

    def seconds_of(self, stamp_ns: int) -> float:
        return (stamp_ns - START_NS) * 1e-9

    def true_at(self, seconds: float) -> np.ndarray:
        """T_world_camera (4, 4) in metres."""
        return self._poses(np.array([seconds]))[0]

    def in_map(self, T_world_camera: np.ndarray) -> np.ndarray:
        """T_camera_world (4, 4) in units of the map."""
        T = T_world_camera.copy()
        T[:3, 3] /= SCALE
        return pose_step.inverse(T)

    def follow(self, until: float) -> InertialMotion | None:
        """Give the images until then (s)."""
        while self._next / _RATE <= until:
            t = self._next / _RATE
            is_moving = not HALT < t < HALT + REST + 0.3
            if self._keyframes:
                self._see(t)
            if not self._keyframes or (is_moving and self._next % _EVERY == 0):
                self._take_keyframe(t)
            self._next += 1
        return self.map.motion

    def add_keyframe(self) -> InertialMotion | None:
        """Make a keyframe of the newest image."""
        self._take_keyframe((self._next - 1) / _RATE)
        return self.map.motion

    def _see(self, t: float) -> None:
        """An image is tracked against the newest keyframe."""
        newest, T_keyframe_world = next(reversed(self._keyframes.items()))
        true = self.in_map(self.true_at(t))
        between = true @ pose_step.inverse(self.in_map(self.true_at(self.seconds_of(newest))))
        T_camera_keyframe = self._noisy(0.0001, 0.0001) @ between
        T = T_camera_keyframe @ T_keyframe_world
        self.newest_ns = self.stamp(t)
        R = T_camera_keyframe[:3, :3]
        self.prediction.saw(
            SeenPose(self.newest_ns, T, newest, T_camera_keyframe, _DEPTH / SCALE, R)
        )

    def _take_keyframe(self, t: float) -> None:
        self._keyframes[self.stamp(t)] = self._noisy(0.001, 0.001) @ self.in_map(self.true_at(t))
        window = dict(list(self._keyframes.items())[-_WINDOW:])
        poses = {stamp: pose_step.inverse(T) for stamp, T in window.items()}
        self.map.update(poses, 1.0, _DEPTH / SCALE)
        self.prediction.motion = self.map.motion

    def _noisy(self, position: float, rotation: float) -> np.ndarray:
        T = np.eye(4)
        T[:3, 3] = self._rng.normal(0.0, position, 3)
        T[:3, :3] = Rotation.from_rotvec(self._rng.normal(0.0, rotation, 3)).as_matrix()
        return T
