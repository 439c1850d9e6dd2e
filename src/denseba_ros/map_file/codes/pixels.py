"""Places in an image as 16-bit fixed-point numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A feature may lie half a pixel and more outside of the outermost centres.
_MARGIN = 2.0


def pixels_to_codes(pixels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint16]:
    """(2, N) uint16 of places (N, 2) in an image of ``size`` (height, width); whole and half
    pixels stay exact, others are moved by at most 1/128 pixel in images up to 1020 wide."""
    codes = np.round((pixels.T.astype(np.float64) + _MARGIN) * _codes_per_pixel(size))
    return np.clip(codes, 0, 2**16 - 1).astype(np.uint16)


def pixels_from_codes(codes: NDArray[np.uint16], size: tuple[int, int]) -> NDArray[np.float32]:
    """Places (N, 2) of codes (2, N)."""
    pixels = codes.T / _codes_per_pixel(size) - _MARGIN
    return np.ascontiguousarray(pixels, np.float32)


def _codes_per_pixel(size: tuple[int, int]) -> float:
    """The largest power of two with which the image and its margin have 2^16 codes."""
    return float(2.0 ** np.floor(np.log2((2**16 - 1) / (max(size) + 2 * _MARGIN))))
