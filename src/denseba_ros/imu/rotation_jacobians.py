"""Rotation vectors and their Jacobians, batched, float64 NumPy.

Sola, Deray, Atchuthan, "A micro Lie theory for state estimation in robotics", 2018, section SO(3).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.cross_product import hat_array
from denseba_ros.geometry.rotation_array import rotation_from_vector, vector_from_rotation

# Below this angle (radians) series replace the quotients.
_SMALL = 1e-3


def hat(v: np.ndarray) -> np.ndarray:
    """Cross-product matrices (..., 3, 3) of vectors (..., 3)."""
    if v.ndim == 1:
        return hat_array(v)
    out = np.zeros((*v.shape, 3))
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    out[..., 0, 1], out[..., 0, 2], out[..., 1, 2] = -z, y, -x
    out[..., 1, 0], out[..., 2, 0], out[..., 2, 1] = z, -y, x
    return out


def rotation_exp(theta: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) of rotation vectors (..., 3) in radians."""
    if theta.ndim == 1:
        return rotation_from_vector(theta)
    matrices: np.ndarray = Rotation.from_rotvec(theta.reshape(-1, 3)).as_matrix()
    return matrices.reshape(*theta.shape, 3)


def rotation_log(R: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3) of rotations (..., 3, 3), at most pi long."""
    if R.ndim == 2:
        return vector_from_rotation(R)
    vectors: np.ndarray = Rotation.from_matrix(R.reshape(-1, 3, 3)).as_rotvec()
    return vectors.reshape(R.shape[:-1])


def right_jacobian(theta: np.ndarray) -> np.ndarray:
    """Jr (..., 3, 3): ``exp(theta + d) = exp(theta) exp(Jr d)`` for small d."""
    angle = np.linalg.norm(theta, axis=-1)[..., None, None]
    small = angle < _SMALL
    x = np.where(small, 1.0, angle)
    b = np.where(small, 0.5 - angle**2 / 24, (1.0 - np.cos(x)) / x**2)
    c = np.where(small, 1 / 6 - angle**2 / 120, (x - np.sin(x)) / x**3)
    W = hat(theta)
    jacobian: np.ndarray = np.eye(3) - b * W + c * (W @ W)
    return jacobian


def inverse_right_jacobian(theta: np.ndarray) -> np.ndarray:
    """Jr^-1 (..., 3, 3): ``log(exp(theta) exp(d)) = theta + Jr^-1 d`` for small d."""
    angle = np.linalg.norm(theta, axis=-1)[..., None, None]
    small = angle < _SMALL
    x = np.where(small, 1.0, angle)
    c = np.where(small, 1 / 12 + angle**2 / 720, (1.0 - 0.5 * x / np.tan(0.5 * x)) / x**2)
    W = hat(theta)
    inverse: np.ndarray = np.eye(3) + 0.5 * W + c * (W @ W)
    return inverse
