"""Whether an image shows anything: almost black or washed out ones hold noise, which fits all."""

from __future__ import annotations

from denseba_ros.slam.state.frame import Frame

# Pyramid level on which noise is averaged out.
_LEVEL = 2
# The strongest edges (upper share of the pixels) are at least so many grey levels per pixel there.
# Blank walls of a corridor have 13, a street 40 and more; an almost black image 0 to 5.
_SHARE, _MIN_GRADIENT = 0.05, 8.0


def reason_empty(image: Frame) -> str:
    """Why an image shows too little to be tracked, one phrase; empty if it shows enough."""
    by_x, by_y = image.pyramid[_LEVEL][0, 1:]
    square = by_x * by_x + by_y * by_y
    if float((square >= _MIN_GRADIENT**2).float().mean()) >= _SHARE:
        return ""
    strongest = float(square.flatten().kthvalue(max(round((1.0 - _SHARE) * square.numel()), 1))[0])
    return f"the image shows nearly nothing (edges of {strongest**0.5:.1f} grey levels)"
