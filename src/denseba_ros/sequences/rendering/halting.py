"""A motion that halts for a while."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

HALT_SECONDS = 1.0
"""From full speed to none."""


def halting(
    poses: Callable[[np.ndarray], np.ndarray], at: float, rest: float
) -> Callable[[np.ndarray], np.ndarray]:
    """``poses`` until ``at`` (s), a halt within ``HALT_SECONDS``, ``rest`` seconds of standing
    still, and then on from there as gently."""

    def clock(seconds: np.ndarray) -> np.ndarray:
        down = _way(seconds - at)
        up = _way(HALT_SECONDS) - _way(at + 2.0 * HALT_SECONDS + rest - seconds)
        later = np.maximum(seconds - at - rest - 2.0 * HALT_SECONDS, 0.0)
        result: np.ndarray = np.minimum(seconds, at) + down + up + later
        return result

    return lambda seconds: poses(clock(seconds))


def _way(t: np.ndarray | float) -> np.ndarray:
    """Way after ``t`` seconds of a halt from speed one, smooth in the acceleration."""
    s = np.clip(np.asarray(t) / HALT_SECONDS, 0.0, 1.0)
    way: np.ndarray = HALT_SECONDS * (s - s**3 + 0.5 * s**4)
    return way
