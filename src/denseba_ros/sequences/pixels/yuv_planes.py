"""Images of a brightness plane with a plane of colour pairs below it: nv12, nv21, nv24."""

from __future__ import annotations

import cv2
import numpy as np

from denseba_ros.errors import ImageError

_CODES = {
    "nv12": cv2.COLOR_YUV2BGR_NV12,
    "nv21": cv2.COLOR_YUV2BGR_NV21,
    "nv24": cv2.COLOR_YUV2BGR_NV12,
}
PLANAR = tuple(_CODES)


def decode_planes(
    buffer: np.ndarray, encoding: str, width: int, height: int, step: int
) -> np.ndarray:
    """(H, W, 3) BGR of (N,) uint8.

    ``step`` is the row of the brightness plane in bytes. Drivers also write the mean bytes of a
    pixel row, or twice the width: where the data is too short for it, rows are not padded.

    Raises:
        ImageError: on an odd size, a short step or short data.
    """
    if encoding != "nv24" and (width % 2 or height % 2):
        raise ImageError(
            f"{encoding} shares colour between 2x2 pixels, but the size is {width}x{height}"
        )
    if step < width:
        raise ImageError(f"step {step} is less than the {width} bytes of a {encoding} row")
    colour_rows, colour_width = (height, 2) if encoding == "nv24" else (height // 2, 1)
    rows = height + colour_rows * colour_width
    for stride in (step, width):
        if buffer.size >= stride * (rows - 1) + width:
            break
    else:
        raise ImageError(
            f"{buffer.size} bytes, but {width}x{height} {encoding} needs {width * rows}"
        )
    if encoding == "nv24":
        return _from_nv24(buffer, width, height, stride)
    planes = np.lib.stride_tricks.as_strided(buffer, (rows, width), (stride, 1), writeable=False)
    return cv2.cvtColor(np.ascontiguousarray(planes), _CODES[encoding])


def _from_nv24(buffer: np.ndarray, width: int, height: int, stride: int) -> np.ndarray:
    """Every pixel has its colour; the brightness is kept whole and colour taken from every other.

    The colour rows are twice as long as those of the brightness.
    """
    view = np.lib.stride_tricks.as_strided
    grey = view(buffer, (height, width), (stride, 1), writeable=False)
    pairs = view(buffer[stride * height :], (height, width, 2), (2 * stride, 2, 1), writeable=False)
    padded = np.pad(grey, ((0, height % 2), (0, width % 2)), mode="edge")
    colour = np.ascontiguousarray(pairs[::2, ::2]).reshape(-1, padded.shape[1])
    planes = np.concatenate([padded, colour])
    return cv2.cvtColor(planes, _CODES["nv24"])[:height, :width]
