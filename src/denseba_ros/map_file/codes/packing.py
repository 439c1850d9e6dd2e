"""Whole numbers as compressed bytes, and back with their number checked."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

# Higher levels take twice the time and save 2 %.
_LEVEL = 6


class CodeError(ValueError):
    """Bytes are not what the array of this shape was written as."""


def pack(values: NDArray[np.uint16]) -> bytes:
    """Differences along the last axis of (..., N) uint16, small ones of either sign as small
    numbers, their low bytes before their high ones, deflated."""
    differences = np.diff(values, axis=-1, prepend=np.uint16(0)).view(np.int16)
    # 0, -1, 1, -2 ... as 0, 1, 2, 3 ...: then nearly all high bytes are zero.
    folded = ((differences << 1) ^ (differences >> 15)).astype("<i2")
    planes = folded.reshape(-1, 1).view(np.uint8).T
    return zlib.compress(planes.tobytes(), _LEVEL)


def unpack(data: bytes, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """The array of this shape that ``pack`` was given.

    Raises:
        CodeError: when the bytes are damaged or of another number of values.
    """
    count = int(np.prod(shape))
    planes = np.frombuffer(inflate(data, 2 * count), np.uint8).reshape(2, count)
    folded = np.ascontiguousarray(planes.T).view("<u2").reshape(shape)
    differences = (folded >> 1) ^ (0 - (folded & 1))
    return np.cumsum(differences, axis=-1, dtype=np.uint16)


def inflate(data: bytes, length: int) -> bytes:
    """What was deflated, if it has ``length`` bytes.

    Raises:
        CodeError: when it has not, or the bytes are damaged.
    """
    # Bounded: damaged or hostile bytes must not fill the memory.
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, length + 1)
    except zlib.error as error:
        raise CodeError(str(error)) from error
    if len(inflated) != length:
        raise CodeError(f"{len(inflated)} bytes or more instead of {length}")
    if not stream.eof:
        raise CodeError("the end is missing")
    return inflated
