"""Poses S_map_camera and other float64 arrays as bytes, many at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.map_file.codes.packing import CodeError

Doubles = NDArray[np.float64]
# A product of many poses is a rotation to this.
_TOLERANCE = 1e-4


def matrix_to_bytes(matrix: Doubles) -> bytes:
    """Any float64 array, row by row."""
    return np.ascontiguousarray(matrix, "<f8").tobytes()


def matrix_from_bytes(data: bytes, shape: tuple[int, ...]) -> Doubles:
    """A finite float64 array.

    Raises:
        CodeError: when the bytes are of another shape, or a number is not finite.
    """
    if len(data) != 8 * int(np.prod(shape)):
        raise CodeError(f"{len(data)} bytes instead of {8 * int(np.prod(shape))}")
    matrix = np.frombuffer(data, "<f8").reshape(shape).astype(np.float64)
    if not np.all(np.isfinite(matrix)):
        raise CodeError("a number is not finite")
    return matrix


def similarities_from_bytes(data: Sequence[bytes], names: Sequence[str]) -> Doubles:
    """S (K, 4, 4) from the bytes of each.

    Raises:
        CodeError: when one is no similarity; it has that one's of the ``names`` (K).
    """
    for one, name in zip(data, names, strict=True):
        if len(one) != 128:
            raise CodeError(f"{name} has {len(one)} bytes instead of 128")
    S = np.frombuffer(b"".join(data), "<f8").reshape(-1, 4, 4).astype(np.float64)
    wrong = np.flatnonzero(~are_similarities(S))
    if len(wrong):
        raise CodeError(f"{names[wrong[0]]} is no similarity")
    return S


def are_similarities(S: Doubles) -> NDArray[np.bool_]:
    """Whether each of (K, 4, 4) is finite and ``[s R, t; 0, 1]`` with s > 0 and a rotation R."""
    is_finite = np.all(np.isfinite(S), axis=(1, 2))
    whole = np.where(is_finite[:, None, None], S, np.eye(4))
    ends_well = np.all(whole[:, 3] == (0.0, 0.0, 0.0, 1.0), axis=1)
    scale = sim3.scale(whole)[:, None, None]
    R = whole[:, :3, :3] / np.maximum(scale, 1e-300)
    error = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    is_rotation = (error < _TOLERANCE) & (np.linalg.det(R) > 0)
    return np.asarray(is_finite & ends_well & is_rotation, np.bool_)
