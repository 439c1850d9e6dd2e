"""Which stamps of two recordings belong together."""

from __future__ import annotations

import numpy as np

NANOSECONDS = 1_000_000_000
LARGEST_TOLERANCE_NS = 20_000_000


def default_tolerance_ns(groundtruth_stamps: np.ndarray) -> int:
    """Half the median interval of the ground truth, at most 20 ms; 20 ms for a single stamp."""
    if len(groundtruth_stamps) < 2:
        return LARGEST_TOLERANCE_NS
    half = int(np.median(np.diff(groundtruth_stamps))) // 2
    return min(half, LARGEST_TOLERANCE_NS)


def nearest(stamps: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Index into rising ``stamps`` (N,) nearest to each of ``wanted`` (M,)."""
    right = np.clip(np.searchsorted(stamps, wanted), 1, max(1, len(stamps) - 1))
    left = right - 1
    right = np.minimum(right, len(stamps) - 1)
    return np.where(wanted - stamps[left] <= stamps[right] - wanted, left, right)


def pairs_after(stamps: np.ndarray, delay_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) where stamp j is nearest to stamp i + delay.

    It may be off by half the median interval or a twentieth of the delay, whichever is larger.
    """
    if len(stamps) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    tolerance = max(delay_ns // 20, int(np.median(np.diff(stamps))) // 2)
    later = nearest(stamps, stamps + delay_ns)
    first = np.arange(len(stamps))
    good = (np.abs(stamps[later] - stamps - delay_ns) <= tolerance) & (later > first)
    return first[good], later[good]
