"""Input size of the depth network."""

from __future__ import annotations

import math

# The encoder halves the image five times.
_MULTIPLE = 32


def network_size(width: int, height: int, pixels: int) -> tuple[int, int]:
    """(width, height) with about ``pixels`` pixels and nearly the aspect ratio of the image.

    Both are multiples of 32, at least 32.
    """
    scale = math.sqrt(pixels / (width * height))
    sizes = (max(1, round(side * scale / _MULTIPLE)) * _MULTIPLE for side in (width, height))
    first, second = sizes
    return first, second
