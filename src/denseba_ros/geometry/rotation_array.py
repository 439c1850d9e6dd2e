"""Single rotations as matrices, vectors and quaternions, float64 on the host.

The same as ``scipy.spatial.transform.Rotation`` gives, in a tenth of its time: the nodes need some
ten of them for each image, with the interpreter's lock held.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.cross_product import hat_array

# Below this angle (radians) series replace the quotients; beyond pi less _NEAR_PI the axis is not
# in the antisymmetric part.
_SMALL, _NEAR_PI = 1e-4, 1e-2


def sine_terms(angle: float) -> tuple[float, float, float]:
    """sin(x)/x, (1-cos(x))/x^2 and (x-sin(x))/x^3; the second by the half angle, which does not
    cancel."""
    square = angle * angle
    if angle < _SMALL:
        return 1 - square / 6, 0.5 - square / 24, 1 / 6 - square / 120
    a = math.sin(angle) / angle
    return a, 0.5 * (math.sin(0.5 * angle) / (0.5 * angle)) ** 2, (1 - a) / square


def rotation_from_vector(vector: np.ndarray) -> np.ndarray:
    """exp of a rotation vector (3,): (3, 3). Rodrigues' formula."""
    a, b, _ = sine_terms(math.sqrt(float(vector @ vector)))
    K = hat_array(vector)
    R: np.ndarray = np.eye(3) + a * K + b * (K @ K)
    return R


def vector_from_rotation(R: np.ndarray) -> np.ndarray:
    """log of a rotation (3, 3): the rotation vector (3,), at most pi long."""
    axis = 0.5 * np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    sine = math.sqrt(float(axis @ axis))
    angle = math.atan2(sine, 0.5 * (float(R[0, 0] + R[1, 1] + R[2, 2]) - 1.0))
    if angle > math.pi - _NEAR_PI:
        vector: np.ndarray = Rotation.from_matrix(R).as_rotvec()
        return vector
    return axis * (1.0 + angle**2 / 6.0 if angle < _SMALL else angle / sine)


def quaternion_from_rotation(R: np.ndarray) -> tuple[float, float, float, float]:
    """Unit quaternion (x, y, z, w) of a rotation (3, 3), from its largest component: Shepperd,
    "Quaternion from rotation matrix", Journal of Guidance and Control 1(3), 1978."""
    ((a, b, c), (d, e, f), (g, h, i)) = R.tolist()
    x, y, z, w = max(
        (
            (1.0 + a - e - i, b + d, c + g, h - f),
            (b + d, 1.0 - a + e - i, f + h, c - g),
            (c + g, f + h, 1.0 - a - e + i, d - b),
            (h - f, c - g, d - b, 1.0 + a + e + i),
        ),
        key=lambda q: q[0] ** 2 + q[1] ** 2 + q[2] ** 2 + q[3] ** 2,
    )
    size = math.sqrt(x * x + y * y + z * z + w * w)
    return x / size, y / size, z / size, w / size
