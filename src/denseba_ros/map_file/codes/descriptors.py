"""Vectors of length one as bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from denseba_ros.map_file.codes.packing import CodeError

Floats = NDArray[np.float32]
_LARGEST = 127


def local_to_bytes(descriptors: NDArray[np.float16]) -> bytes:
    """(M, D) of length one as int8, each scaled to its largest number: half of float16's bytes.

    A descriptor turns by less than 0.5 degrees (0.9 % of its length): matches stay the same.
    """
    values = descriptors.astype(np.float32)
    largest = np.abs(values).max(axis=1, keepdims=True, initial=1e-6)
    return bytes(np.round(values * (_LARGEST / largest)).astype(np.int8))


def local_from_bytes(data: bytes, shape: tuple[int, int]) -> NDArray[np.float16]:
    """(M, D) float16 of length one.

    Raises:
        CodeError: when the bytes are of another number of descriptors.
    """
    _check_length(data, shape[0] * shape[1])
    values = np.frombuffer(data, np.int8).reshape(shape).astype(np.float32)
    return _of_length_one(values).astype(np.float16)


def whole_to_bytes(descriptor: Floats) -> bytes:
    """(D,) of length one as float16: products of two are wrong by about 1e-5."""
    return descriptor.astype("<f2").tobytes()


def whole_from_bytes(data: Sequence[bytes], ids: Sequence[int], length: int) -> Floats:
    """(K, D) float32 of length one from the bytes of each.

    Raises:
        CodeError: when one has another number of values; it names that one's of the ``ids`` (K).
    """
    for one, id in zip(data, ids, strict=True):
        if len(one) != 2 * length:
            raise CodeError(f"the descriptor of keyframe {id} has {len(one)} bytes")
    values = np.frombuffer(b"".join(data), "<f2").reshape(len(data), length)
    return _of_length_one(values.astype(np.float32))


def _of_length_one(values: Floats) -> Floats:
    length = np.sqrt(np.sum(values * values, axis=1, keepdims=True))
    return np.asarray(values / np.maximum(length, 1e-12), np.float32)


def _check_length(data: bytes, length: int) -> None:
    if len(data) != length:
        raise CodeError(f"{len(data)} bytes instead of {length}")
