"""The exponential of SE(3) for one pose on the host, where a loop cannot afford tensor calls.

The same equations as ``geometry.se3``, which does batches on any device.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.cross_product import hat_array

# Below this angle (radians) the Taylor series is more exact than the closed form.
_SMALL_ANGLE = 1e-4


def exp(xi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential (4, 4) float64 of a tangent vector (6,) = (translation, rotation in radians)."""
    x, y, z = xi[3], xi[4], xi[5]
    angle = math.sqrt(x * x + y * y + z * z)
    if angle < _SMALL_ANGLE:
        square = angle * angle
        a, b, c = 1 - square / 6, 0.5 - square / 24, 1 / 6 - square / 120
    else:
        a = math.sin(angle) / angle
        b = 0.5 * (math.sin(0.5 * angle) / (0.5 * angle)) ** 2
        c = (1 - a) / angle**2
    W = hat_array(xi[3:])
    W2 = W @ W
    T = np.eye(4)
    T[:3, 3] = xi[:3] + (b * W + c * W2) @ xi[:3]
    T[:3, :3] += a * W + b * W2
    return T
