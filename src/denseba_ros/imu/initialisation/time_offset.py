"""The time between the clocks of camera and IMU, and the rotation between their axes.

Rotations between images, by vision, are compared with those of the gyroscope over the same times
plus an offset: first their lengths, which no rotation of the axes changes, by cross-correlation
over a grid of offsets; then offset, rotation R_imu_camera and bias by least squares.
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
_ENOUGH_TURN = 0.02


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
    if float(np.std(np.linalg.norm(pairs.seen, axis=1) / pairs.seconds)) < _ENOUGH_TURN:
        raise ImuError("not enough rotation yet to tell the clocks of camera and IMU apart")
    offset = _correlated(pairs, most)
    R, bias = _axes(pairs, offset), np.zeros(3)
    for _ in range(_STEPS):
        A, r = _linearised(pairs, offset, R, bias)
        root = _huber_roots(r)[:, None]
        H = (A * root).T @ (A * root)
        step = -np.linalg.solve(H + 1e-12 * np.eye(7), (A * root).T @ (r * root[:, 0]))
        offset = float(np.clip(offset + step[0], -most, most))
        R, bias = R @ rotation_exp(step[1:4]), bias + step[4:]
    A, r = _linearised(pairs, offset, R, bias)
    residual = float(1.4826 * np.median(np.abs(r)))
    covariance = np.linalg.inv(H + 1e-12 * np.eye(7)) * residual**2
    deviations = np.sqrt(np.diag(covariance))
    return TimeOffset(offset, float(deviations[0]), R, float(deviations[1:4].max()), bias, residual)


def _correlated(pairs: _Rotations, most: float) -> float:
    """The offset at which the angular velocities' lengths go together best."""
    seen = np.linalg.norm(pairs.seen, axis=1) / pairs.seconds
    offsets = np.arange(-most, most + 0.5 * _GRID, _GRID)
    felt = [np.linalg.norm(pairs.felt(float(o)), axis=1) / pairs.seconds for o in offsets]
    correlation = [float(np.corrcoef(seen, f)[0, 1]) for f in felt]
    return float(offsets[int(np.argmax(correlation))])


def _axes(pairs: _Rotations, offset: float) -> np.ndarray:
    """R_imu_camera (3, 3) that turns the seen rotations best into the felt ones."""
    R: np.ndarray = Rotation.align_vectors(pairs.felt(offset), pairs.seen)[0].as_matrix()
    return R


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
    limit = _HUBER * max(1.4826 * float(np.median(np.abs(r))), 1e-12)
    roots: np.ndarray = np.sqrt(limit / np.maximum(np.abs(r), limit))
    return roots
