"""Samples of a simulated IMU beside the camera of a rendered sequence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.geometry import pose_step
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.rendering.rendered_sequence import START_NS, RenderedSequence
from denseba_ros.sequences.simulated_imu.pose_spline import PoseSpline

# Poses per second that the spline passes through: far more than a hand trembles.
_KNOT_RATE = 200.0
# Seconds of spline before the first and after the last sample, so that no end of it is felt.
_MARGIN = 0.1
NO_NOISE = ImuNoise(0.0, 0.0, 0.0, 0.0)
"""An ideal sensor's."""


@dataclass(frozen=True)
class ImuModel:
    """The sensor.

    Attributes:
        rate: samples per second.
        noise: densities of white noise and of the biases' random walks.
        gyroscope_bias, accelerometer_bias: at the first sample, rad/s and m/s2, IMU axes.
        gyroscope_range, accelerometer_range: what is beyond on an axis reads as this, rad/s and
            m/s2; those of usual consumer sensors, 2000 degrees/s and 16 g.
        T_imu_camera: (4, 4), the camera along the axes of the IMU, as ``ImuCalibration`` has it.
        time_offset_ns: the IMU's clock less the camera's: added to stamps of images it gives the
            IMU's time.
        gravity: m/s2, along -z of the world.
    """

    rate: float = 200.0
    noise: ImuNoise = NO_NOISE
    gyroscope_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    accelerometer_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gyroscope_range: float = math.radians(2000.0)
    accelerometer_range: float = 16.0 * 9.81
    T_imu_camera: np.ndarray = field(default_factory=lambda: np.eye(4))
    time_offset_ns: int = 0
    gravity: float = 9.81


@dataclass(frozen=True)
class SimulatedImu:
    """``samples``, and the truth at each: ``bias`` (N, 6) = (gyroscope rad/s, accelerometer m/s2),
    ``T_world_imu`` (N, 4, 4) and ``velocity`` (N, 3) m/s in world axes.
    """

    samples: ImuSamples
    bias: np.ndarray
    T_world_imu: np.ndarray
    velocity: np.ndarray


def simulate_imu(sequence: RenderedSequence, model: ImuModel, seed: int = 0) -> SimulatedImu:
    """What the IMU says from the first frame of ``sequence`` to its last; ``seed`` of the noise.

    Raises:
        SequenceError: as ``simulate_along``.
    """
    return simulate_along(sequence.poses_at, float(sequence.seconds[-1]), model, seed)


def simulate_along(
    poses: Callable[[np.ndarray], np.ndarray], seconds: float, model: ImuModel, seed: int = 0
) -> SimulatedImu:
    """What the IMU says along T_world_camera = ``poses`` (N,) -> (N, 4, 4).

    From time 0, which has the stamp START_NS of the camera's clock, to the first sample at or after
    ``seconds``.

    Raises:
        SequenceError: when the rate is not positive or ``seconds`` negative.
    """
    if not model.rate > 0.0 or not seconds >= 0.0:
        raise SequenceError(f"an IMU cannot sample {seconds} s at {model.rate} Hz")
    times = np.arange(math.ceil(seconds * model.rate - 1e-6) + 1) / model.rate
    spline = _spline_of_imu(poses, float(times[-1]), model.T_imu_camera)
    bias = _biases(len(times), model, seed)
    gyroscope, accelerometer = np.split(_felt(spline, times, model.gravity) + bias, 2, axis=1)
    gyroscope, accelerometer = _measured(gyroscope, accelerometer, model, seed)
    stamps_ns = START_NS + model.time_offset_ns + np.round(1e9 * times).astype(np.int64)
    samples = ImuSamples(stamps_ns, gyroscope, accelerometer)
    return SimulatedImu(samples, bias, spline.poses(times), spline.velocity(times))


def _spline_of_imu(
    poses: Callable[[np.ndarray], np.ndarray], seconds: float, T_imu_camera: np.ndarray
) -> PoseSpline:
    """T_world_imu; with it what the distance from the camera makes of turns."""
    knots = np.arange(-_MARGIN, seconds + _MARGIN + 1.0 / _KNOT_RATE, 1.0 / _KNOT_RATE)
    return PoseSpline(knots, poses(knots) @ pose_step.inverse(T_imu_camera))


def _felt(spline: PoseSpline, times: np.ndarray, gravity: float) -> np.ndarray:
    """(N, 6): angular velocity, and specific force R_imu_world (a - g), in IMU axes."""
    force = spline.acceleration(times) + np.array([0.0, 0.0, gravity])
    R = spline.rotations(times)
    return np.hstack([spline.angular_velocity(times), np.einsum("nji,nj->ni", R, force)])


def _biases(count: int, model: ImuModel, seed: int) -> np.ndarray:
    """(N, 6): random walks from the first biases."""
    rng = np.random.default_rng((seed, 1))
    walk = np.repeat([model.noise.gyroscope_walk, model.noise.accelerometer_walk], 3)
    steps = rng.standard_normal((count, 6)) * (walk / math.sqrt(model.rate))
    steps[0] = (*model.gyroscope_bias, *model.accelerometer_bias)
    bias: np.ndarray = np.cumsum(steps, axis=0)
    return bias


def _measured(
    gyroscope: np.ndarray, accelerometer: np.ndarray, model: ImuModel, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """With white noise, inside the ranges; a density over a sample's time is a deviation."""
    rng = np.random.default_rng((seed, 2))
    measured = []
    for values, density, limit in (
        (gyroscope, model.noise.gyroscope, model.gyroscope_range),
        (accelerometer, model.noise.accelerometer, model.accelerometer_range),
    ):
        noise = rng.standard_normal(values.shape) * (density * math.sqrt(model.rate))
        measured.append(np.clip(values + noise, -limit, limit))
    return measured[0], measured[1]
