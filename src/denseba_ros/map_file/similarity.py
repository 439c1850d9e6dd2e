"""Poses S_map_camera and their bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def similarity_from_bytes(data: bytes) -> Doubles:
    """S (4, 4).

    Raises:
        CodeError: when it is no similarity.
    """
    S = matrix_from_bytes(data, (4, 4))
    if not is_similarity(S):
        raise CodeError("no similarity")
    return S


def is_similarity(S: Doubles) -> bool:
    """Whether (4, 4) ``S`` is finite and ``[s R, t; 0, 1]`` with s > 0 and a rotation R."""
    if S.shape != (4, 4) or not np.all(np.isfinite(S)) or not np.all(S[3] == (0, 0, 0, 1)):
        return False
    determinant = float(np.linalg.det(S[:3, :3]))
    if determinant <= 0:
        return False
    R = S[:3, :3] / np.cbrt(determinant)
    return bool(np.allclose(R @ R.T, np.eye(3), atol=_TOLERANCE))
