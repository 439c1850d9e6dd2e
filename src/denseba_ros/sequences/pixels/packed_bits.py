"""Grey values of 10 and 12 bits: in 16, or packed as GenICam cameras send them.

The packed layouts are those of the Pixel Format Naming Convention (EMVA): ``p`` puts the bits one
after the other from the lowest, ``packed`` (GigE Vision) puts the high bytes first.
"""

from __future__ import annotations

import numpy as np

from denseba_ros.errors import ImageError


def widen(values: np.ndarray, bits: int) -> np.ndarray:
    """uint16 values of ``bits`` bits over the range of 16, rounded to the nearest.

    Raises:
        ImageError: when a value has more bits, as of another alignment.
    """
    largest = (1 << bits) - 1
    if values.size and int(values.max()) > largest:
        raise ImageError(f"a value of {int(values.max())} has more than {bits} bits")
    return ((values.astype(np.uint32) * 65535 + largest // 2) // largest).astype(np.uint16)


def packed_row_bytes(width: int, layout: str) -> int:
    """Bytes of a row of ``width`` pixels in a layout that ``unpack`` knows."""
    pixels, size = _GROUPS[layout]
    return -(-width // pixels) * size


def unpack(rows: np.ndarray, layout: str, width: int) -> np.ndarray:
    """(H, bytes of a row) uint8 to (H, ``width``) uint16.

    ``layout`` is "10p", "12p", "10packed" or "12packed".
    """
    size = _GROUPS[layout][1]
    b = rows.reshape(len(rows), -1, size).astype(np.uint16)
    if layout == "12p":
        pixels = [b[..., 0] | (b[..., 1] & 15) << 8, b[..., 1] >> 4 | b[..., 2] << 4]
    elif layout == "12packed":
        pixels = [b[..., 0] << 4 | b[..., 1] & 15, b[..., 2] << 4 | b[..., 1] >> 4]
    elif layout == "10packed":
        pixels = [b[..., 0] << 2 | b[..., 1] & 3, b[..., 2] << 2 | b[..., 1] >> 4 & 3]
    else:
        pixels = [(b[..., i] >> 2 * i | b[..., i + 1] << 8 - 2 * i) & 1023 for i in range(4)]
    return np.stack(pixels, axis=-1).reshape(len(rows), -1)[:, :width]


# Layout: pixels that share the bytes of one group, and its number of bytes.
_GROUPS = {"10p": (4, 5), "12p": (2, 3), "10packed": (2, 3), "12packed": (2, 3)}
