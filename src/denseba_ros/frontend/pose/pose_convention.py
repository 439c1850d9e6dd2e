"""Conversion of motions between the camera's optical frame and NED axes.

Optical: x right, y down, z forward. NED, as TartanAir and PX4 name a camera's axes: x forward,
y right, z down.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Rows: the NED axes in the optical frame.
_NED_OPTICAL = (
    (0.0, 0.0, 1.0, 0.0),
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
)
# The optical axes that are x, y and z of NED.
NED_OF_OPTICAL = (2, 0, 1)


def ned_from_optical(T: Tensor) -> Tensor:
    """T_a_b (..., 4, 4) between two optical frames as T_a_b between the cameras' NED frames."""
    C = torch.tensor(_NED_OPTICAL, dtype=T.dtype, device=T.device)
    return C @ T @ C.T


def optical_from_ned(T: Tensor) -> Tensor:
    """The inverse of ``ned_from_optical``, for T_a_b (..., 4, 4)."""
    C = torch.tensor(_NED_OPTICAL, dtype=T.dtype, device=T.device)
    return C.T @ T @ C


def optical_covariance(covariance: Tensor) -> Tensor:
    """Covariance (..., 6, 6) of (translation, rotation) from NED axes to optical axes."""
    C = torch.tensor(_NED_OPTICAL, dtype=covariance.dtype, device=covariance.device)[:3, :3]
    axes = torch.zeros(6, 6, dtype=C.dtype, device=C.device)
    axes[:3, :3] = axes[3:, 3:] = C
    return axes.T @ covariance @ axes


def motion_matrix(quaternion: Tensor, translation: Tensor) -> Tensor:
    """T (..., 4, 4) from a unit quaternion (..., 4) x, y, z, w and a translation (..., 3)."""
    x, y, z, w = quaternion.unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    top = torch.cat([torch.stack(rows, -2), translation[..., None]], -1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 3] = 1.0
    return torch.cat([top, bottom], -2)
