"""IMU samples between two keyframes as one relative motion, with its noise and bias Jacobians.

Forster, Carlone, Dellaert, Scaramuzza, "On-manifold preintegration for real-time visual-inertial
odometry", IEEE T-RO 33(1), 2017; equation numbers below are theirs. Each step takes the mean of
its two samples and turns the specific force by half of the step's rotation, which makes it exact
to second order in the time between samples. Steps are joined in pairs (``joined``), then
these in pairs, all pairs of a round at once: arithmetic in few calls, without a compiler.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.errors import ImuError
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.rotation_jacobians import hat, right_jacobian, rotation_exp
from denseba_ros.imu.samples import ImuSamples


@dataclass(frozen=True)
class Preintegration:
    """What the IMU felt from i to j, in the IMU's axes at i; gravity is in it and not known.

    Errors are true less measured: (rotation on the right of ``rotation``, velocity, position);
    biases (gyroscope, accelerometer). All float64, with any leading dimensions (...).

    Attributes:
        seconds: (...) from i to j.
        rotation: (..., 3, 3) R_i_j, Delta R of (35).
        velocity: (..., 3) Delta v, m/s.
        position: (..., 3) Delta p, m.
        bias_jacobian: (..., 9, 6) change of the measured motion by ``bias``.
        covariance: (..., 15, 15) of the errors and of the biases at j less those at i.
        bias: (6,) the biases that were taken off the samples, rad/s and m/s2.
    """

    seconds: np.ndarray
    rotation: np.ndarray
    velocity: np.ndarray
    position: np.ndarray
    bias_jacobian: np.ndarray
    covariance: np.ndarray
    bias: np.ndarray

    def at_bias(self, bias: np.ndarray) -> Preintegration:
        """For other biases (6,), to first order in their change (44).

        Exact in the accelerometer's bias. The Jacobian and the covariance stay.
        """
        change = self.bias_jacobian @ (bias - self.bias)
        return replace(
            self,
            rotation=self.rotation @ rotation_exp(change[..., :3]),
            velocity=self.velocity + change[..., 3:6],
            position=self.position + change[..., 6:],
        )

    def turn_by_bias(self, bias: np.ndarray) -> float:
        """Radians by which a gyroscope's bias (6,) other than ``bias`` turns the rotation.

        Half of its square is about the error of ``at_bias`` in rotation; that in velocity is this
        angle times half of the change of velocity by the other bias. At 0.01 preintegrate anew.
        """
        return float(np.linalg.norm(bias[:3] - self.bias[:3]) * np.max(self.seconds))


def preintegrate(samples: ImuSamples, bias: np.ndarray, noise: ImuNoise) -> Preintegration:
    """All of ``samples`` less ``bias`` (6,) = (gyroscope rad/s, accelerometer m/s2).

    Raises:
        ImuError: with fewer than two samples.
    """
    if len(samples) < 2:
        raise ImuError(f"{len(samples)} IMU samples are no interval")
    steps = _steps(samples, np.asarray(bias, dtype=np.float64), noise)
    while (count := len(steps.seconds)) > 1:
        pairs = joined(_every_second(steps, 0, count // 2), _every_second(steps, 1, count // 2))
        steps = _appended(pairs, _part(steps, slice(count - 1, count))) if count % 2 else pairs
    return _part(steps, 0)


def joined(first: Preintegration, second: Preintegration) -> Preintegration:
    """From the first's begin to the second's end; they are neighbours and of one bias.

    Exact: the same as if the samples of both had been preintegrated together.

    Raises:
        ImuError: where they are not of the same bias.
    """
    if not np.array_equal(first.bias, second.bias):
        raise ImuError("two preintegrations of different biases cannot be joined")
    R, t = first.rotation, second.seconds[..., None]
    by_first, by_second = _error_transitions(first, second)
    jacobian = by_first @ first.bias_jacobian + by_second @ second.bias_jacobian
    return Preintegration(
        first.seconds + second.seconds,
        R @ second.rotation,
        first.velocity + _turned(R, second.velocity),
        first.position + t * first.velocity + _turned(R, second.position),
        jacobian,
        _joined_covariance(first, second, by_first, by_second),
        first.bias,
    )


def _error_transitions(
    first: Preintegration, second: Preintegration
) -> tuple[np.ndarray, np.ndarray]:
    """Jacobians (..., 9, 9) of the joined errors by those of the first and of the second."""
    R, t = first.rotation, second.seconds[..., None, None]
    by_first = np.zeros((*R.shape[:-2], 9, 9))
    by_second = np.zeros_like(by_first)
    eye = np.eye(3)
    by_first[..., :3, :3] = np.swapaxes(second.rotation, -1, -2)
    by_first[..., 3:6, :3] = -R @ hat(second.velocity)
    by_first[..., 6:, :3] = -R @ hat(second.position)
    by_first[..., 3:6, 3:6] = by_first[..., 6:, 6:] = eye
    by_first[..., 6:, 3:6] = t * eye
    by_second[..., :3, :3] = eye
    by_second[..., 3:6, 3:6] = by_second[..., 6:, 6:] = R
    return by_first, by_second


def _joined_covariance(
    first: Preintegration, second: Preintegration, by_first: np.ndarray, by_second: np.ndarray
) -> np.ndarray:
    """(..., 15, 15): what the biases walked during the first acts on the second as a bias."""
    A = np.zeros_like(first.covariance)
    C = np.zeros_like(first.covariance)
    A[..., :9, :9] = by_first
    A[..., :9, 9:] = by_second @ second.bias_jacobian
    C[..., :9, :9] = by_second
    A[..., 9:, 9:] = C[..., 9:, 9:] = np.eye(6)
    both: np.ndarray = _sandwich(A, first.covariance) + _sandwich(C, second.covariance)
    return both


def _steps(samples: ImuSamples, bias: np.ndarray, noise: ImuNoise) -> Preintegration:
    """One preintegration (N-1) for each pair of neighbouring samples."""
    t = np.diff(samples.stamp_ns).astype(np.float64) * 1e-9
    theta = (_means(samples.gyroscope) - bias[:3]) * t[:, None]
    force = _means(samples.accelerometer) - bias[3:]
    half = rotation_exp(0.5 * theta)
    velocity = _turned(half, force) * t[:, None]
    jacobian = np.zeros((len(t), 9, 6))
    dt = t[:, None, None]
    jacobian[:, :3, :3] = -right_jacobian(theta) * dt
    # By the gyroscope's bias the force turns half a step, by that of the accelerometer it shrinks.
    jacobian[:, 3:6, :3] = half @ hat(force) @ right_jacobian(0.5 * theta) * (0.5 * dt**2)
    jacobian[:, 3:6, 3:] = -half * dt
    jacobian[:, 6:] = 0.5 * dt * jacobian[:, 3:6]
    return Preintegration(
        t,
        half @ half,
        velocity,
        0.5 * velocity * t[:, None],
        jacobian,
        _step_covariances(jacobian, t, noise),
        bias,
    )


def _step_covariances(jacobian: np.ndarray, t: np.ndarray, noise: ImuNoise) -> np.ndarray:
    """(N-1, 15, 15): white noise acts as a bias of one step, with its density over the time."""
    density = np.repeat([noise.gyroscope**2, noise.accelerometer**2], 3)
    walk = np.repeat([noise.gyroscope_walk**2, noise.accelerometer_walk**2], 3)
    covariance = np.zeros((len(t), 15, 15))
    white = jacobian * (density / t[:, None])[:, None, :]
    covariance[:, :9, :9] = white @ np.swapaxes(jacobian, -1, -2)
    covariance[:, 9:, 9:] = np.eye(6) * (walk * t[:, None])[:, None, :]
    return covariance


def _means(values: np.ndarray) -> np.ndarray:
    means: np.ndarray = 0.5 * (values[:-1] + values[1:])
    return means


def _turned(R: np.ndarray, v: np.ndarray) -> np.ndarray:
    turned: np.ndarray = (R @ v[..., None])[..., 0]
    return turned


def _sandwich(A: np.ndarray, P: np.ndarray) -> np.ndarray:
    product: np.ndarray = A @ P @ np.swapaxes(A, -1, -2)
    return product


_ARRAYS = ("seconds", "rotation", "velocity", "position", "bias_jacobian", "covariance")


def _part(steps: Preintegration, index: slice | int) -> Preintegration:
    return replace(steps, **{name: getattr(steps, name)[index] for name in _ARRAYS})


def _every_second(steps: Preintegration, start: int, count: int) -> Preintegration:
    return _part(steps, slice(start, start + 2 * count - 1, 2))


def _appended(steps: Preintegration, last: Preintegration) -> Preintegration:
    both = {n: np.concatenate([getattr(steps, n), getattr(last, n)]) for n in _ARRAYS}
    return replace(steps, **both)
