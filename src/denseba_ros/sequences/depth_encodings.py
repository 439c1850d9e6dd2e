"""From bytes to metric depth images: the encodings that REP 118 names, and 16-bit files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import Bytes

MILLIMETRES = 1000.0
"""Units of a metre in 16UC1 (REP 118)."""
# Bytes of a value of each encoding, and NumPy's letter of its kind.
_ENCODINGS = {"16UC1": (2, "u"), "mono16": (2, "u"), "32FC1": (4, "f")}


def decode_depth(
    data: Bytes,
    encoding: str,
    width: int,
    height: int,
    step: int,
    is_bigendian: bool = False,
    units_per_metre: float = MILLIMETRES,
) -> np.ndarray:
    """Depth (height, width) float32 in metres of a sensor_msgs/Image; 0 where unknown.

    16UC1 counts ``units_per_metre``, 0 is unknown; 32FC1 is in metres, NaN and infinity are
    unknown. ``step`` is the length of a row in bytes.

    Raises:
        ImageError: on another encoding, or data that does not fit the size.
    """
    if encoding not in _ENCODINGS:
        raise ImageError(f"depth is {encoding!r}; known: {', '.join(_ENCODINGS)}")
    size, kind = _ENCODINGS[encoding]
    buffer, row = np.frombuffer(data, np.uint8), width * size
    if width <= 0 or height <= 0 or step < row or buffer.size < step * (height - 1) + row:
        raise ImageError(
            f"{buffer.size} bytes in steps of {step} do not fit a {width}x{height} {encoding} depth"
        )
    rows = np.lib.stride_tricks.as_strided(buffer, (height, row), (step, 1), writeable=False)
    order = ">" if is_bigendian else "<"
    values = np.ascontiguousarray(rows).view(f"{order}{kind}{size}")
    return in_metres(values, units_per_metre)


def decode_depth_message(message: Any, units_per_metre: float) -> np.ndarray:
    """Depth (h, w) float32 in metres, 0 where unknown, of a sensor_msgs Image of any library.

    Raises:
        ImageError: when it is not 16UC1 or 32FC1, or does not fit its size.
    """
    return decode_depth(
        message.data,
        message.encoding,
        message.width,
        message.height,
        message.step,
        bool(message.is_bigendian),
        units_per_metre,
    )


def in_metres(values: np.ndarray, units_per_metre: float) -> np.ndarray:
    """Depth (h, w) float32 in metres, 0 where unknown: of integers in units, of floats in metres.

    Raises:
        ImageError: when it is no array (h, w) of such values.
    """
    if values.ndim != 2 or values.dtype.kind not in "uf":
        raise ImageError(f"a depth image of {values.dtype} {values.shape} is not 16UC1 or 32FC1")
    depth = np.array(values, np.float32)
    if values.dtype.kind == "u":
        return depth / np.float32(units_per_metre)
    depth[~(np.isfinite(depth) & (depth > 0.0))] = 0.0
    return depth


def read_depth(path: Path, units_per_metre: float) -> np.ndarray:
    """Depth (h, w) float32 in metres, 0 where unknown, of a 16-bit PNG or a TIFF of floats.

    Raises:
        ImageError: when the file is missing, damaged or has other values.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from error
    try:
        values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except cv2.error:
        values = None
    if values is None or values.dtype == np.uint8:
        raise ImageError(f"{path}: not a depth image of 16 bits or floats")
    try:
        return in_metres(values, units_per_metre)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
