"""What a user should know of the IMU at an image."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ImuStatus:
    """``is_used``: unit and axes of the gyroscope agree with the images; ``is_wrong``: they do not;
    neither before there was enough turn; ``is_standing``: the camera stands still.

    ``time_offset`` (s) is added to an image's stamp to get the IMU's time, as images and gyroscope
    show it, with a deviation; ``axes_off`` (rad) by how much they show other axes than those in
    use, with one. None until they show it; ``doubt`` says why not, or how sure that is.
    ``up`` is a unit vector along the axes of the map's world, with a deviation (rad) of both
    directions together; None before gravity and scale are known, or once they are not any more.
    """

    is_used: bool = True
    is_wrong: bool = False
    is_standing: bool = False
    doubt: str = ""
    time_offset: float | None = None
    time_offset_sigma: float | None = None
    axes_off: float | None = None
    axes_sigma: float | None = None
    up: tuple[float, float, float] | None = None
    up_sigma: float = math.inf
