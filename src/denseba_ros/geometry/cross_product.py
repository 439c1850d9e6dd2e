"""The cross product as a matrix: hat(v) w = v x w, for tensors and for arrays."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def hat(v: Tensor) -> Tensor:
    """Cross-product matrices (..., 3, 3) of vectors (..., 3), of their dtype and device."""
    zero = torch.zeros_like(v[..., 0])
    x, y, z = v.unbind(-1)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, -1).reshape(*v.shape[:-1], 3, 3)


def hat_array(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """``hat`` of one vector (3,) on the host, where a loop cannot afford tensor calls."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def hat_arrays(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """``hat`` of vectors (..., 3) on the host."""
    out = np.zeros((*v.shape, 3))
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    out[..., 0, 1], out[..., 0, 2], out[..., 1, 2] = -z, y, -x
    out[..., 1, 0], out[..., 2, 0], out[..., 2, 1] = z, -y, x
    return out
