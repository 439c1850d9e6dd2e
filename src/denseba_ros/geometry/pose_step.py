"""SE(3) of one pose on the host, float64, where a loop cannot afford tensor calls.

The same equations as ``geometry.se3``, which does batches on any device and comes here for one pose
on the CPU: a tensor operation takes longer than the arithmetic, and each gives the interpreter's
lock away, which another thread may keep for a while.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.cross_product import hat_array
from denseba_ros.geometry.rotation_array import (
    rotation_from_vector,
    sine_terms,
    vector_from_rotation,
)

# Below this angle (radians) the Taylor series is more exact than the closed form.
_SERIES_ANGLE = 0.03


def exp(xi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential (4, 4) float64 of a tangent vector (6,) = (translation, rotation in radians)."""
    x, y, z = xi[3], xi[4], xi[5]
    a, b, c = sine_terms(math.sqrt(x * x + y * y + z * z))
    W = hat_array(xi[3:])
    W2 = W @ W
    T = np.eye(4)
    T[:3, 3] = xi[:3] + (b * W + c * W2) @ xi[:3]
    T[:3, :3] += a * W + b * W2
    return T


def log(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm (6,) of a rigid matrix (4, 4), (translation, rotation in radians up to pi)."""
    theta = vector_from_rotation(T[:3, :3])
    angle = math.sqrt(float(theta @ theta))
    if angle < _SERIES_ANGLE:
        d = 1 / 12 + angle**2 / 720 + angle**4 / 30240
    else:
        d = (1.0 - 0.5 * angle / math.tan(0.5 * angle)) / angle**2
    W, t = hat_array(theta), T[:3, 3]
    Wt = W @ t
    return np.concatenate([t - 0.5 * Wt + d * (W @ Wt), theta])


def inverse(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of a rigid matrix (4, 4)."""
    out = np.eye(4)
    out[:3, :3] = T[:3, :3].T
    out[:3, 3] = -(out[:3, :3] @ T[:3, 3])
    return out


def orthonormalised(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest rigid matrix (4, 4)."""
    U, _, Vh = np.linalg.svd(T[:3, :3])
    out = T.copy()
    out[:3, :3] = U @ Vh
    return out


def between(
    one: NDArray[np.float64], other: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """The pose (4, 4) at a ``share``, 0 to 1, of the way from one (4, 4) to another: straight line,
    and slerp of the rotation."""
    T = np.eye(4)
    T[:3, 3] = (1.0 - share) * one[:3, 3] + share * other[:3, 3]
    turn = vector_from_rotation(other[:3, :3] @ one[:3, :3].T)
    T[:3, :3] = rotation_from_vector(share * turn) @ one[:3, :3]
    return T
