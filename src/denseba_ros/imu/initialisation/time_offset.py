"""The time between the clocks of camera and IMU, and the rotation between their axes.

Rotations between images, by vision, are compared with those of the gyroscope over the same times
plus an offset: first over a grid of offsets, each with the rotation of the axes that fits best
(Wahba's problem); then offset, rotation R_imu_camera and bias by least squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import ImuError
from denseba_ros.imu.gyroscope_rotation import GyroscopeRotation
from denseba_ros.imu.rotation_jacobians import hat, rotation_exp
from denseba_ros.imu.samples import ImuSamples

_GRID = 0.005
_FEWEST = 10
_STEPS = 12
# Residuals beyond this many deviations count linearly (Huber).
_HUBER = 2.0
# Offsets of the grid whose chi-square is higher than the least by less than this are possible too;
# they may be so far apart (s).
_POSSIBLE, _WIDEST = 9.0, 0.03
# Deviation of the gyroscope's bias before anything is known, rad/s.
_BIAS = 0.05


@dataclass(frozen=True)
class TimeOffset:
    """``seconds`` are added to an image's stamp to get the IMU's time (Kalibr's
    timeshift_cam_imu); ``deviation`` is of them.

    ``R_imu_camera`` (3, 3); ``rotation_deviation`` (rad) per axis; ``gyroscope_bias`` (3,) rad/s;
    ``residual`` is the deviation (rad) of one compared rotation about one axis.
    """

    seconds: float
    deviation: float
    R_imu_camera: np.ndarray
    rotation_deviation: float
    gyroscope_bias: np.ndarray
    residual: float


class _Rotations:
    """Rotation vectors from image to image: by vision (M, 3), and by the gyroscope at an offset."""

    def __init__(
        self, stamps_ns: np.ndarray, R: np.ndarray, samples: ImuSamples, most: float
    ) -> None:
        margin = int(most * 1e9)
        first, last = samples.stamp_ns[0] + margin, samples.stamp_ns[-1] - margin
        inside = (stamps_ns >= first) & (stamps_ns <= last)
        self._stamps = stamps_ns[inside]
        if len(self._stamps) < _FEWEST:
            raise ImuError(
                f"{len(self._stamps)} images lie within the IMU samples, {_FEWEST} are needed"
            )
        rotations = Rotation.from_matrix(R[inside])
        self.seen = (rotations[:-1].inv() * rotations[1:]).as_rotvec()
        self.seconds = np.diff(self._stamps) * 1e-9
        self._gyroscope = GyroscopeRotation(samples, np.zeros(3))

    def felt(self, offset: float) -> np.ndarray:
        """(M, 3) by the gyroscope, along the IMU's axes."""
        R = self._gyroscope.at(self._stamps, offset)
        turns: np.ndarray = (R[:-1].inv() * R[1:]).as_rotvec()
        return turns


def estimate_time_offset(
    stamps_ns: np.ndarray, R_world_camera: np.ndarray, samples: ImuSamples, most: float = 0.2
) -> TimeOffset:
    """From images of stamps (M,) int64 with rotations (M, 3, 3) and IMU ``samples`` over them.

    ``most`` is the largest offset (s) looked for, either way. Intervals between images should be
    short against the turns, as a rotation of more than pi is none.

    Raises:
        ImuError: when too few images are covered or the camera hardly turned.
    """
    pairs = _Rotations(stamps_ns, R_world_camera, samples, most)
    offset, R = _on_grid(pairs, most)
    bias = np.zeros(3)
    for _ in range(_STEPS):
        A, r = _linearised(pairs, offset, R, bias)
        root = _huber_roots(r)[:, None]
        prior = (_scatter(r) / _BIAS) ** 2 * np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
        H = (A * root).T @ (A * root) + np.diag(prior + 1e-12)
        gradient = (A * root).T @ (r * root[:, 0]) + prior * np.concatenate([np.zeros(4), bias])
        step = -np.linalg.solve(H, gradient)
        offset = float(np.clip(offset + step[0], -most, most))
        R, bias = R @ rotation_exp(step[1:4]), bias + step[4:]
    A, r = _linearised(pairs, offset, R, bias)
    residual = _scatter(r)
    covariance = np.linalg.inv(H) * residual**2
    deviations = np.sqrt(np.diag(covariance))
    return TimeOffset(offset, float(deviations[0]), R, float(deviations[1:4].max()), bias, residual)


def _on_grid(pairs: _Rotations, most: float) -> tuple[float, np.ndarray]:
    """Offset (s) and R_imu_camera (3, 3) that fit best.

    Raises:
        ImuError: where offsets far apart fit about as well.
    """
    offsets = np.arange(-most, most + 0.5 * _GRID, _GRID)
    costs: list[float] = []
    axes: list[np.ndarray] = []
    for offset in offsets:
        felt = pairs.felt(float(offset))
        R, _ = Rotation.align_vectors(felt, pairs.seen)
        rest = np.linalg.norm(felt - R.apply(pairs.seen), axis=1)
        # Beyond twice the median they count linearly, as wrong rotations of vision are few but far.
        limit = 2.0 * float(np.median(rest))
        costs.append(
            float(np.sum(np.minimum(rest, limit) * (2.0 * rest - np.minimum(rest, limit))))
        )
        axes.append(R.as_matrix())
    best = int(np.argmin(costs))
    variance = max(costs[best] / (3 * len(pairs.seen)), 1e-18)
    possible = offsets[(np.array(costs) - costs[best]) / variance < _POSSIBLE]
    if possible[-1] - possible[0] > _WIDEST:
        raise ImuError("not enough rotation yet to tell the clocks of camera and IMU apart")
    return float(offsets[best]), axes[best]


def _linearised(
    pairs: _Rotations, offset: float, R: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Jacobian (3M, 7) by offset, right step of R, bias; and residual (3M,), seen less felt."""
    h = 0.5 * _GRID
    felt = pairs.felt(offset)
    rate = (pairs.felt(offset + h) - pairs.felt(offset - h)) / (2.0 * h)
    A = np.zeros((len(felt), 3, 7))
    A[:, :, 0] = -rate
    A[:, :, 1:4] = -R @ hat(pairs.seen)
    A[:, :, 4:] = pairs.seconds[:, None, None] * np.eye(3)
    r = pairs.seen @ R.T - (felt - bias * pairs.seconds[:, None])
    return A.reshape(-1, 7), r.ravel()


def _huber_roots(r: np.ndarray) -> np.ndarray:
    """Square roots of the weights (3M,)."""
    limit = _HUBER * _scatter(r)
    roots: np.ndarray = np.sqrt(limit / np.maximum(np.abs(r), limit))
    return roots


def _scatter(r: np.ndarray) -> float:
    """Deviation of residuals by their median, which a few wrong ones do not change."""
    return max(1.4826 * float(np.median(np.abs(r))), 1e-12)
