"""The tracker's sums over points and corners as compiled loops on the CPU.

The same equations as in ``alignment_terms_torch``, in double precision; the Jacobians are those of
``geometry.pinhole.projection_jacobians``. Points that are not used are skipped, so their values
(behind the camera, outside the image, NaN) have no effect.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO
from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
_Six = tuple[float, float, float, float, float, float]


@numba_jit()
def transformed(T: Doubles, a: float, b: float, d: float) -> tuple[float, float, float]:
    """R (a, b, 1) + t d, with ``T`` (4, 4) T_current_reference and ``d`` the inverse depth in the
    reference: the point in the current camera, times ``d``."""
    return (
        T[0, 0] * a + T[0, 1] * b + T[0, 2] + T[0, 3] * d,
        T[1, 0] * a + T[1, 1] * b + T[1, 2] + T[1, 3] * d,
        T[2, 0] * a + T[2, 1] * b + T[2, 2] + T[2, 3] * d,
    )


@numba_jit()
def _by_pose(u: float, v: float, x: float, y: float, d: float) -> _Six:
    """Row (6,) of the Jacobian by a left perturbation (translation, rotation) of the pose, at
    normalised image coordinates (x, y) and inverse depth d in the current camera.

    ``u``, ``v``: derivative of the residual by the pixel, times the focal lengths.
    """
    along = u * x + v * y
    return u * d, v * d, -along * d, -along * y - v, along * x + u, v * x - u * y


@numba_jit()
def bilinear(image: Floats, channel: int, column: int, row: int, u: float, v: float) -> float:
    """A channel of ``image`` (C, h, w) at (column + u, row + v), u and v from 0 to 1."""
    upper = (1.0 - u) * image[channel, row, column] + u * image[channel, row, column + 1]
    lower = (1.0 - u) * image[channel, row + 1, column] + u * image[channel, row + 1, column + 1]
    return float((1.0 - v) * upper + v * lower)


@numba_jit(
    "Tuple((f8, i8, i8, i8))(f4[:, :, ::1], f4[:, ::1], f4[::1], f4[::1], f4[::1], f4[::1], "
    "b1[::1], f8[::1], f8[:, ::1], f8[::1], f8[::1], f8[:, ::1], f8[::1])",
    keeps_lock=True,
)
def photometric(
    image: Floats,
    rays: Floats,
    inverse_depth: Floats,
    relative_sigma: Floats,
    brightness: Floats,
    gradient_weight: Floats,
    usable: Bools,
    camera: Doubles,
    T: Doubles,
    change: Doubles,
    noise: Doubles,
    H: Doubles,
    b: Doubles,
) -> tuple[float, int, int, int]:
    """Add the photometric residuals to ``H`` (8, 8) and ``b`` (8,): pose, log gain, offset.

    Args:
        image: (3, h, w) intensity (grey levels) and its gradients, of the current image.
        rays: (N, 3) of the reference's points, z = 1.
        inverse_depth: (N,) in the reference.
        relative_sigma: (N,) relative standard deviation of the inverse depth.
        brightness: (N,) intensity in the reference.
        gradient_weight: (N,), 0 to 1.
        usable: (N,).
        camera: (fx, fy, cx, cy) of the level.
        T: (4, 4) T_current_reference.
        change: (gain, offset of the reference, offset of the current image).
        noise: (intensity in grey levels, huber, cutoff in standard deviations).
        H: result, added to.
        b: result, added to.

    Returns:
        Robust energy and the numbers of usable, visible and inlier points.
    """
    fx, fy, cx, cy = camera
    gain, host_offset, offset = change
    variance_of_intensity, k, cut = noise[0] ** 2, noise[1], noise[2]
    cap = k * (cut - 0.5 * k)
    right, bottom = image.shape[2] - 2.0, image.shape[1] - 2.0
    J = np.ones(8)
    energy, count, visible, inliers = 0.0, 0, 0, 0
    for n in range(len(rays)):
        if not usable[n]:
            continue
        count += 1
        energy += cap
        d = np.float64(inverse_depth[n])
        X, Y, Z = transformed(T, rays[n, 0], rays[n, 1], d)
        if not Z > MIN_DEPTH_RATIO:
            continue
        scale = 1.0 / Z
        x, y = X * scale, Y * scale
        u, v = x * fx + cx, y * fy + cy
        if not (1.0 <= u <= right and 1.0 <= v <= bottom):
            continue
        visible += 1
        column, row = int(u), int(v)
        u, v = u - column, v - row
        gx = bilinear(image, 1, column, row, u, v) * fx
        gy = bilinear(image, 2, column, row, u, v) * fy
        model = gain * (brightness[n] - host_offset)
        r = bilinear(image, 0, column, row, u, v) - offset - model
        by_depth = (gx * (T[0, 3] - x * T[2, 3]) + gy * (T[1, 3] - y * T[2, 3])) * scale
        by_depth *= d * relative_sigma[n]
        variance = variance_of_intensity / gradient_weight[n] + by_depth**2
        size = abs(r) / math.sqrt(variance)
        if not size < cut:
            continue
        inliers += 1
        energy += (0.5 * size**2 if size < k else k * (size - 0.5 * k)) - cap
        weight = k / max(size, k) / variance
        J[0], J[1], J[2], J[3], J[4], J[5] = _by_pose(gx, gy, x, y, d * scale)
        J[6], J[7] = -model, -1.0
        for i in range(8):
            weighted = weight * J[i]
            b[i] += weighted * r
            for j in range(8):
                H[i, j] += weighted * J[j]
    return energy, count, visible, inliers


@numba_jit(
    "Tuple((f8, i8))(f4[:, ::1], b1[::1], f4[:, ::1], f4[::1], f4[::1], b1[::1], f8[::1], "
    "f8[:, ::1], f8[::1], f8, f8[:, ::1], f8[::1])",
    keeps_lock=True,
)
def corners(
    pixels: Floats,
    is_tracked: Bools,
    rays: Floats,
    inverse_depth: Floats,
    relative_sigma: Floats,
    valid: Bools,
    camera: Doubles,
    T: Doubles,
    noise: Doubles,
    share: float,
    H: Doubles,
    b: Doubles,
) -> tuple[float, int]:
    """Add the reprojection residuals, weighted with ``share``, to ``H`` (6, 6) and ``b`` (6,).

    Args:
        pixels: (F, 2) observations of the first F points in the current image.
        is_tracked: (F,).
        rays: (N, 3) of the reference's points, z = 1.
        inverse_depth: (N,) in the reference.
        relative_sigma: (N,) relative standard deviation of the inverse depth.
        valid: (N,).
        camera: (fx, fy, cx, cy) of level 0.
        T: (4, 4) T_current_reference.
        noise: (pixels, huber, cutoff in standard deviations).
        share: weight of all residuals.
        H: result, added to.
        b: result, added to.

    Returns:
        Robust energy, times ``share``, and the number of inliers.
    """
    fx, fy, cx, cy = camera
    s2, k, cut = noise[0] ** 2, noise[1], noise[2]
    J = np.empty((2, 6))
    energy, corner_inliers = 0.0, 0
    for n in range(len(pixels)):
        d = np.float64(inverse_depth[n])
        X, Y, Z = transformed(T, rays[n, 0], rays[n, 1], d)
        if not (is_tracked[n] and valid[n] and Z > MIN_DEPTH_RATIO):
            continue
        scale = 1.0 / Z
        x, y = X * scale, Y * scale
        u, v = x * fx + cx - pixels[n, 0], y * fy + cy - pixels[n, 1]
        spread = d * relative_sigma[n] * scale
        p, q = fx * (T[0, 3] - x * T[2, 3]) * spread, fy * (T[1, 3] - y * T[2, 3]) * spread
        # Sherman-Morrison inverse of sigma^2 I + (p, q) (p, q)^T.
        both = s2 + p * p + q * q
        xx, xy, yy = (1.0 - p * p / both) / s2, -p * q / both / s2, (1.0 - q * q / both) / s2
        size = math.sqrt(max(u * u * xx + 2.0 * u * v * xy + v * v * yy, 0.0))
        if not size < np.inf:
            continue
        weight = share * k / max(size, k)
        if size < cut:
            corner_inliers += 1
            energy += 0.5 * size**2 if size < k else k * (size - 0.5 * k)
        else:
            weight *= (cut / size) ** 2
            energy += k * (cut - 0.5 * k) + k * cut * math.log(size / cut)
        xx, xy, yy = xx * weight, xy * weight, yy * weight
        J[0, 0], J[0, 1], J[0, 2], J[0, 3], J[0, 4], J[0, 5] = _by_pose(fx, 0.0, x, y, d * scale)
        J[1, 0], J[1, 1], J[1, 2], J[1, 3], J[1, 4], J[1, 5] = _by_pose(0.0, fy, x, y, d * scale)
        for i in range(6):
            by_u, by_v = J[0, i] * xx + J[1, i] * xy, J[0, i] * xy + J[1, i] * yy
            b[i] += by_u * u + by_v * v
            for j in range(6):
                H[i, j] += by_u * J[0, j] + by_v * J[1, j]
    return energy * share, corner_inliers
