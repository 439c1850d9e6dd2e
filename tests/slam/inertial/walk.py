"""A walk whose keyframes are given with errors to what the IMU says of a map; no images."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import pose_step
from denseba_ros.imu.calibration import ImuCalibration
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.rendering.rendered_sequence import START_NS, RenderedSequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_along
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.inertial_map import InertialMap
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.inertial.standstill import SeenPose

T_IMU_CAMERA = pose_step.exp(np.array([0.05, -0.02, 0.03, 0.5, -0.3, 1.0]))
SCALE = 2.5
"""Metres a unit of the map."""
_STEP, _WINDOW, _DEPTH = 0.25, 7, 2.0


class Walk:
    """``prediction`` and ``map`` as in the system; keyframes four times a second, errors 2 mm and
    0.06 degrees."""

    def __init__(
        self,
        seed: int,
        path: str = "loop",
        gap: tuple[float, float] | None = None,
        jump: tuple[float, float] = (np.inf, 1.0),
    ) -> None:
        """Without samples during ``gap`` (s); the map's unit has so many times more metres since
        the time (s) of a ``jump``."""
        rng = np.random.default_rng(seed)
        bias = rng.normal(0.0, 1.0, 6)
        world: RenderedSequence = (
            BuildingSequence("loop") if path == "loop" else RoomSequence(path, 2, 160, 120)
        )
        model = ImuModel(
            noise=ImuNoise(),
            gyroscope_bias=tuple(0.01 * bias[:3]),
            accelerometer_bias=tuple(0.1 * bias[3:]),
            T_imu_camera=T_IMU_CAMERA,
        )
        self.imu = simulate_along(world.poses_at, 18.0, model, seed)
        self.calibration = ImuCalibration(ImuNoise(), T_IMU_CAMERA, 0)
        source = RecordedImu(_without(self.imu.samples, gap))
        self.prediction = ImuPrediction(source, self.calibration)
        self.map = InertialMap(self.prediction, True)
        self._times = 0.5 + _STEP * np.arange(66)
        self.stamps = START_NS + np.round(1e9 * self._times).astype(np.int64)
        self.true = world.poses_at(self._times)
        self.T = self.true.copy()
        self.T[:, :3, 3] = (self.T[:, :3, 3] + rng.normal(0, 0.002, (66, 3))) / SCALE
        since = self._times > jump[0]
        if since.any():
            centre = self.T[since, :3, 3][0]
            self.T[since, :3, 3] = centre + (self.T[since, :3, 3] - centre) / jump[1]
        turns = Rotation.from_rotvec(rng.normal(0, 0.001, (66, 3))).as_matrix()
        self.T[:, :3, :3] = self.T[:, :3, :3] @ turns
        self._first = self.T.copy()
        self.next = 0

    def follow(self, until: float, growth: float = 1.0) -> InertialMotion | None:
        """Give the keyframes until then (s); the world grows by ``growth`` with the last one.

        From the first again where that time is past.
        """
        last = int(np.searchsorted(self._times, until + 1e-9)) - 1
        if last < self.next:
            self.next, self.T = 0, self._first.copy()
            self.prediction = ImuPrediction(self.prediction._source, self.calibration)
            self.map = InertialMap(self.prediction, True)
        for k in range(self.next, last + 1):
            grows = growth if k == last else 1.0
            centre = self.T[k, :3, 3].copy()
            self.T[:, :3, 3] = centre + grows * (self.T[:, :3, 3] - centre)
            if k:
                self.prediction.saw(self.seen(k))
            window = {int(self.stamps[i]): self.T[i] for i in range(max(0, k - _WINDOW + 1), k + 1)}
            self.map.update(window, grows, grows * _DEPTH / SCALE)
        self.next = last + 1
        return self.map.motion

    def seen(self, k: int) -> SeenPose:
        """The image of keyframe ``k``, tracked against the one before."""
        T = pose_step.inverse(self.T[k])
        before, stamp = int(self.stamps[k - 1]), int(self.stamps[k])
        T_camera_keyframe = T @ self.T[k - 1]
        R = T_camera_keyframe[:3, :3]
        return SeenPose(stamp, T, before, T_camera_keyframe, _DEPTH / SCALE, R, 1.4e-3)

    def errors(self, motion: InertialMotion) -> np.ndarray:
        """(19,) of the newest keyframe, as the covariance of ``motion`` has them; no poses."""
        i = int(np.searchsorted(self.imu.samples.stamp_ns, motion.stamp_ns))
        up = motion.world.R_world_gravity.T @ np.array([0.0, 0.0, 1.0])
        scale = np.log(motion.world.metres_per_unit / SCALE)
        return np.concatenate(
            [
                np.zeros(6),
                motion.state.velocity - self.imu.velocity[i],
                motion.state.bias - self.imu.bias[i],
                [scale, up[1], -up[0], np.log(motion.world.gain)],
            ]
        )


def _without(samples: ImuSamples, gap: tuple[float, float] | None) -> ImuSamples:
    if gap is None:
        return samples
    seconds = (samples.stamp_ns - START_NS) * 1e-9
    kept = (seconds < gap[0]) | (seconds > gap[1])
    return ImuSamples(samples.stamp_ns[kept], samples.gyroscope[kept], samples.accelerometer[kept])
