"""Where a keyframe's corners are expected in another image, and how their patches are warped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole
from denseba_ros.numba_jit import numba_jit

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PredictedCorners:
    """A host's corners in another image, on the CPU: ``host_pixels`` (F, 2) there, ``pixels``
    (F, 2) and ``inverse_depth`` (F,) here, ``warps`` (F, 2, 2), pixels here per pixel there, and
    ``is_visible`` (F,)."""

    host_pixels: Floats
    pixels: Floats
    inverse_depth: Floats
    warps: Floats
    is_visible: Bools


def predict_corners(
    camera: Pinhole, pixels: Tensor, inverse_depth: Tensor, ok: Tensor, T: Tensor, border: float
) -> PredictedCorners:
    """Project corners ``pixels`` (F, 2) of ``inverse_depth`` (F,) by ``T`` (4, 4) T_image_host.

    Visible are those that are ``ok`` (F,) bool, in front of the camera and at least ``border``
    pixels inside the image. Warps are of a patch of constant inverse depth.
    """
    f = len(pixels)
    out = PredictedCorners(
        _array(pixels),
        np.empty((f, 2), np.float32),
        np.empty(f, np.float32),
        np.empty((f, 2, 2), np.float32),
        np.empty(f, np.bool_),
    )
    intrinsics = np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float32)
    limits = np.array([camera.width - 1 - border, camera.height - 1 - border, border], np.float32)
    _predict(
        out.host_pixels,
        _array(inverse_depth),
        _array(ok),
        _array(T.float()),
        intrinsics,
        limits,
        out.pixels,
        out.inverse_depth,
        out.warps,
        out.is_visible,
    )
    return out


def _array(tensor: Tensor) -> Any:
    return np.ascontiguousarray(tensor.cpu().numpy())


@numba_jit(
    "void(f4[:, ::1], f4[::1], b1[::1], f4[:, ::1], f4[::1], f4[::1], f4[:, ::1], f4[::1],"
    " f4[:, :, ::1], b1[::1])",
    keeps_lock=True,
)
def _predict(
    host_pixels: Floats,
    host_depth: Floats,
    ok: Bools,
    T: Floats,
    intrinsics: Floats,
    limits: Floats,
    pixels: Floats,
    inverse_depth: Floats,
    warps: Floats,
    is_visible: Bools,
) -> None:
    """Fill the last four, as in ``PredictedCorners``; ``limits`` (right, bottom, left and top)."""
    fx, fy, cx, cy = intrinsics
    right, bottom, least = limits
    nearest = np.float32(MIN_DEPTH_RATIO)
    for n in range(len(host_pixels)):
        a, b, d = (host_pixels[n, 0] - cx) / fx, (host_pixels[n, 1] - cy) / fy, host_depth[n]
        X = T[0, 0] * a + T[0, 1] * b + (T[0, 2] + T[0, 3] * d)
        Y = T[1, 0] * a + T[1, 1] * b + (T[1, 2] + T[1, 3] * d)
        Z = T[2, 0] * a + T[2, 1] * b + (T[2, 2] + T[2, 3] * d)
        scale = np.float32(1) / max(Z, nearest)
        x, y = X * scale, Y * scale
        u, v = x * fx + cx, y * fy + cy
        pixels[n, 0], pixels[n, 1], inverse_depth[n] = u, v, d * scale
        warps[n, 0, 0] = (T[0, 0] - x * T[2, 0]) * scale
        warps[n, 0, 1] = (T[0, 1] - x * T[2, 1]) * scale * (fx / fy)
        warps[n, 1, 0] = (T[1, 0] - y * T[2, 0]) * scale * (fy / fx)
        warps[n, 1, 1] = (T[1, 1] - y * T[2, 1]) * scale
        is_inside = least <= u <= right and least <= v <= bottom
        is_visible[n] = ok[n] and nearest < Z and is_inside
