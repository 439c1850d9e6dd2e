"""One run of the system over a rendered sequence with a simulated IMU, judged against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.geometry import pose_step
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.rendering.rendered_sequence import RenderedSequence
from denseba_ros.sequences.simulated_imu.simulation import ImuModel, simulate_imu
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.system import System

T_IMU_CAMERA = pose_step.exp(np.array([0.05, -0.02, 0.03, 0.5, -0.3, 1.0]))
# Deviations of the biases at the start, rad/s and m/s2.
_GYROSCOPE_BIAS, _ACCELEROMETER_BIAS = 0.01, 0.1


@dataclass(frozen=True)
class InertialRun:
    """``estimates`` of all images, ``true`` T_world_camera (N, 4, 4), and what the IMU knew of the
    last keyframe, None where it knew nothing."""

    estimates: list[Estimate]
    true: np.ndarray
    motion: InertialMotion | None

    @property
    def is_measured(self) -> np.ndarray:
        """(N,) bool."""
        return np.array([e.is_measured for e in self.estimates])

    @property
    def estimated(self) -> np.ndarray:
        """T_world_camera (N, 4, 4), units of the map."""
        return np.stack([e.T_world_camera for e in self.estimates])

    def aligned(self, until: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Errors of position (N,) in m and of rotation (N,) in degrees after the similarity that
        fits the measured images before ``until`` best, and its metres per unit of the map."""
        chosen = self.is_measured
        chosen[until:] = False
        estimated = self.estimated
        fit = umeyama(estimated[chosen, :3, 3], self.true[chosen, :3, 3])
        positions = fit.points(estimated[:, :3, 3])
        errors = np.linalg.norm(positions - self.true[:, :3, 3], axis=1)
        left = np.swapaxes(self.true[:, :3, :3], 1, 2) @ fit.rotation @ estimated[:, :3, :3]
        cosine = 0.5 * (np.trace(left, axis1=1, axis2=2) - 1.0)
        return errors, np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), fit.scale

    def turns(self) -> np.ndarray:
        """Errors (N,) in degrees of the rotation since the first image."""
        seen = np.linalg.inv(self.estimated[0])[:3, :3] @ self.estimated[:, :3, :3]
        true = np.linalg.inv(self.true[0])[:3, :3] @ self.true[:, :3, :3]
        cosine = 0.5 * (np.trace(np.swapaxes(true, 1, 2) @ seen, axis1=1, axis2=2) - 1.0)
        return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))

    def gravity_error(self) -> float:
        """Degrees, of gravity as the last keyframe has it; NaN where nothing was known."""
        if self.motion is None:
            return float("nan")
        newest = next(i for i, e in enumerate(self.estimates) if e.stamp_ns == self.motion.stamp_ns)
        R_camera_map = self.motion.state.T_camera_world[:3, :3]
        up = self.true[newest, :3, :3] @ R_camera_map @ self.motion.world.R_world_gravity[:, 2]
        return float(np.degrees(np.arccos(np.clip(up[2], -1.0, 1.0))))


def run(sequence: RenderedSequence, mode: str, seed: int, black: range = range(0)) -> InertialRun:
    """With ``imu.mode`` as ``mode``, no depth model, and a consumer IMU of that ``seed``; images of
    ``black`` are black."""
    bias = np.random.default_rng(seed).normal(0.0, 1.0, 6)
    gyroscope, accelerometer = _GYROSCOPE_BIAS * bias[:3], _ACCELEROMETER_BIAS * bias[3:]
    model = ImuModel(
        noise=ImuNoise(),
        gyroscope_bias=tuple(gyroscope),
        accelerometer_bias=tuple(accelerometer),
        T_imu_camera=T_IMU_CAMERA,
    )
    imu = {"mode": mode, "T_imu_camera": T_IMU_CAMERA.ravel().tolist()}
    config = Config.from_dict(
        {"device": "cpu", "frontend": {"depth_model": "constant"}, "imu": imu}
    )
    system = System(config, sequence.calibration)
    system.use_imu(RecordedImu(simulate_imu(sequence, model, seed).samples))
    estimates = []
    for frame in sequence:
        image = np.zeros_like(frame.image) if frame.index in black else frame.image
        estimates.append(system.process(frame.stamp_ns, image))
    motion = None if system.local_map is None else system.local_map.motion
    true = np.stack([sequence.pose(i) for i in range(len(estimates))])
    return InertialRun(estimates, true, motion)
