"""SE(3) of a few poses on the host, float64, as compiled loops.

The same equations as ``geometry.se3``, which comes here for batches on the CPU: each of its tensor
operations takes longer than all the arithmetic of a window's poses.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.numba_jit import numba_jit

Doubles = NDArray[np.float64]
_Three = tuple[float, float, float]

# Below these angles (radians) the Taylor series is more exact than the closed form.
_SMALL_ANGLE, _SERIES_ANGLE = 1e-4, 0.03


@numba_jit()
def _crossed(x: float, y: float, z: float, u: float, v: float, w: float) -> _Three:
    """(x, y, z) x (u, v, w)."""
    return y * w - z * v, z * u - x * w, x * v - y * u


@numba_jit()
def _sine_terms(angle: float) -> _Three:
    """sin(x)/x, (1-cos(x))/x^2 and (x-sin(x))/x^3, with their series near zero."""
    x2 = angle * angle
    if angle < _SMALL_ANGLE:
        return 1.0 - x2 / 6.0, 0.5 - x2 / 24.0, 1.0 / 6.0 - x2 / 120.0
    half = math.sin(0.5 * angle) / (0.5 * angle)
    third = (angle - math.sin(angle)) / (angle * angle * angle)
    return math.sin(angle) / angle, 0.5 * half * half, third


@numba_jit("void(f8[:, ::1], f8[:, :, ::1])", keeps_lock=True)
def exp(xi: Doubles, T: Doubles) -> None:
    """Write the exponentials of ``xi`` (K, 6) = (translation, rotation) to ``T`` (K, 4, 4)."""
    for k in range(len(xi)):
        x, y, z = xi[k, 3], xi[k, 4], xi[k, 5]
        a, b, c = _sine_terms(math.sqrt(x * x + y * y + z * z))
        # W^2 = w w^T - |w|^2 I for the cross product W with w.
        T[k] = 0.0
        T[k, 0, 0], T[k, 0, 1] = 1.0 - b * (y * y + z * z), b * x * y - a * z
        T[k, 0, 2] = b * x * z + a * y
        T[k, 1, 0], T[k, 1, 1] = b * x * y + a * z, 1.0 - b * (x * x + z * z)
        T[k, 1, 2] = b * y * z - a * x
        T[k, 2, 0], T[k, 2, 1] = b * x * z - a * y, b * y * z + a * x
        T[k, 2, 2], T[k, 3, 3] = 1.0 - b * (x * x + y * y), 1.0
        p, q, r = xi[k, 0], xi[k, 1], xi[k, 2]
        once = _crossed(x, y, z, p, q, r)
        twice = _crossed(x, y, z, once[0], once[1], once[2])
        T[k, 0, 3] = p + b * once[0] + c * twice[0]
        T[k, 1, 3] = q + b * once[1] + c * twice[1]
        T[k, 2, 3] = r + b * once[2] + c * twice[2]


@numba_jit("void(f8[:, :, ::1], f8[:, ::1])", keeps_lock=True)
def log(T: Doubles, xi: Doubles) -> None:
    """Write the logarithms of ``T`` (K, 4, 4), rotations below pi, to ``xi`` (K, 6)."""
    for k in range(len(T)):
        x = 0.5 * (T[k, 2, 1] - T[k, 1, 2])
        y = 0.5 * (T[k, 0, 2] - T[k, 2, 0])
        z = 0.5 * (T[k, 1, 0] - T[k, 0, 1])
        cosine = 0.5 * (T[k, 0, 0] + T[k, 1, 1] + T[k, 2, 2] - 1.0)
        angle = math.atan2(math.sqrt(x * x + y * y + z * z), cosine)
        a, b, _ = _sine_terms(angle)
        x, y, z = x / a, y / a, z / a
        x2 = angle * angle
        if angle < _SERIES_ANGLE:
            d = 1.0 / 12.0 + x2 / 720.0 + x2 * x2 / 30240.0
        else:
            d = (1.0 - 0.5 * a / b) / x2
        p, q, r = T[k, 0, 3], T[k, 1, 3], T[k, 2, 3]
        once = _crossed(x, y, z, p, q, r)
        twice = _crossed(x, y, z, once[0], once[1], once[2])
        xi[k, 0] = p - 0.5 * once[0] + d * twice[0]
        xi[k, 1] = q - 0.5 * once[1] + d * twice[1]
        xi[k, 2] = r - 0.5 * once[2] + d * twice[2]
        xi[k, 3], xi[k, 4], xi[k, 5] = x, y, z
