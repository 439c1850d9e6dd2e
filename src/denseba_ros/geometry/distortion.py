"""Lens distortion on normalised image coordinates, and the pixels of 3-D points, in torch.

Normalised coordinates are (x / z, y / z). The models are OpenCV's and sensor_msgs/CameraInfo's.
All functions take float32 or float64 tensors on any device and keep dtype and device.
"""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.geometry.calibration import Calibration

# Newton steps until float64 stands still for any lens whose distortion can be inverted.
_NEWTON_STEPS = 12
# Farthest angle from the axis, radians, that equidistant coordinates can stand for: tan is finite.
_MAX_THETA = 1.55


def project(points: Tensor, calibration: Calibration) -> Tensor:
    """Pixels (..., 2) of points (..., 3) in the camera frame; meaningful only where z > 0."""
    normalised = distort(points[..., :2] / points[..., 2:], calibration)
    return normalised * _focal(normalised, calibration) + _centre(normalised, calibration)


def unproject(pixels: Tensor, calibration: Calibration) -> Tensor:
    """Points (..., 3) with z = 1 on the rays of pixels (..., 2)."""
    normalised = (pixels - _centre(pixels, calibration)) / _focal(pixels, calibration)
    normalised = undistort(normalised, calibration)
    return torch.cat([normalised, torch.ones_like(normalised[..., :1])], dim=-1)


def distort(normalised: Tensor, calibration: Calibration) -> Tensor:
    """Where the lens moves undistorted normalised coordinates (..., 2)."""
    if not calibration.is_distorted:
        return normalised
    if calibration.model == "equidistant":
        return _distort_equidistant(normalised, calibration.coefficients)
    return _distort_radial(normalised, _padded(calibration.coefficients))[0]


def undistort(distorted: Tensor, calibration: Calibration) -> Tensor:
    """Inverse of ``distort`` for coordinates (..., 2), by Newton's method.

    Outside the lens's range, where no inverse exists, the result is finite but meaningless:
    compare ``distort`` of it with the input.
    """
    if not calibration.is_distorted:
        return distorted
    if calibration.model == "equidistant":
        return _undistort_equidistant(distorted, calibration.coefficients)
    return _undistort_radial(distorted, _padded(calibration.coefficients))


def _focal(like: Tensor, calibration: Calibration) -> Tensor:
    return like.new_tensor([calibration.fx, calibration.fy])


def _centre(like: Tensor, calibration: Calibration) -> Tensor:
    return like.new_tensor([calibration.cx, calibration.cy])


def _padded(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """(k1, k2, p1, p2, k3, k4, k5, k6), the missing ones zero."""
    return (*coefficients, *(0.0,) * (8 - len(coefficients)))


def _distort_radial(p: Tensor, c: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """plumb_bob and rational: distorted (..., 2) and the Jacobian's (xx, xy, yy) (..., 3).

    The Jacobian is symmetric, as the distortion is the gradient of a potential.
    """
    k1, k2, p1, p2, k3, k4, k5, k6 = c
    x, y = p.unbind(-1)
    r2 = x * x + y * y
    above = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    below = 1.0 + r2 * (k4 + r2 * (k5 + r2 * k6))
    radial = above / below
    # Derivative of the radial factor with respect to r^2.
    slope = k1 + r2 * (2.0 * k2 + 3.0 * r2 * k3) - radial * (k4 + r2 * (2.0 * k5 + 3.0 * r2 * k6))
    slope = slope / below
    distorted = torch.stack(
        [
            x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
        ],
        dim=-1,
    )
    xx = radial + 2.0 * x * x * slope + 2.0 * p1 * y + 6.0 * p2 * x
    xy = 2.0 * x * y * slope + 2.0 * p1 * x + 2.0 * p2 * y
    yy = radial + 2.0 * y * y * slope + 6.0 * p1 * y + 2.0 * p2 * x
    return distorted, torch.stack([xx, xy, yy], dim=-1)


def _undistort_radial(distorted: Tensor, c: tuple[float, ...]) -> Tensor:
    p = distorted
    for _ in range(_NEWTON_STEPS):
        value, jacobian = _distort_radial(p, c)
        ex, ey = (value - distorted).unbind(-1)
        xx, xy, yy = jacobian.unbind(-1)
        # Where the lens folds over, the determinant passes through zero: step shorter there.
        determinant = (xx * yy - xy * xy).clamp(min=0.05)
        step = torch.stack([yy * ex - xy * ey, xx * ey - xy * ex], dim=-1)
        p = p - (step / determinant[..., None]).clamp(-0.5, 0.5)
    return p


def _equidistant(theta: Tensor, c: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Distorted angle and its derivative."""
    k1, k2, k3, k4 = c
    t2 = theta * theta
    factor = 1.0 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))
    slope = 1.0 + t2 * (3.0 * k1 + t2 * (5.0 * k2 + t2 * (7.0 * k3 + t2 * 9.0 * k4)))
    return theta * factor, slope


def _distort_equidistant(p: Tensor, c: tuple[float, ...]) -> Tensor:
    r = torch.linalg.vector_norm(p, dim=-1, keepdim=True)
    theta_d, _ = _equidistant(torch.atan(r), c)
    # On the axis the factor is one, and 0 / 0 must not get there, nor into a gradient.
    on_axis = r < 1e-8
    return p * torch.where(on_axis, 1.0, theta_d / torch.where(on_axis, 1.0, r))


def _undistort_equidistant(distorted: Tensor, c: tuple[float, ...]) -> Tensor:
    theta_d = torch.linalg.vector_norm(distorted, dim=-1, keepdim=True)
    theta = theta_d.clamp(max=_MAX_THETA)
    for _ in range(_NEWTON_STEPS):
        value, slope = _equidistant(theta, c)
        theta = (theta - (value - theta_d) / slope.clamp(min=0.05)).clamp(0.0, _MAX_THETA)
    on_axis = theta_d < 1e-8
    return distorted * torch.where(
        on_axis, 1.0, torch.tan(theta) / torch.where(on_axis, 1.0, theta_d)
    )
