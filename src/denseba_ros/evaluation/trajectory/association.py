"""Association of the stamps of two recordings."""

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


def nearest(stamps: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Index into increasing ``stamps`` (N,) nearest to each of ``queries`` (M,), both int64 ns."""
    right = np.clip(np.searchsorted(stamps, queries), 1, max(1, len(stamps) - 1))
    left = right - 1
    right = np.minimum(right, len(stamps) - 1)
    return np.where(queries - stamps[left] <= stamps[right] - queries, left, right)


def pairs_after(stamps: np.ndarray, delay_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j), each (M,), where stamp j is nearest to stamp i + ``delay_ns``.

    The tolerance is half the median interval or a twentieth of the delay, whichever is larger.
    """
    if len(stamps) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    tolerance = max(delay_ns // 20, int(np.median(np.diff(stamps))) // 2)
    later = nearest(stamps, stamps + delay_ns)
    first = np.arange(len(stamps))
    good = (np.abs(stamps[later] - stamps - delay_ns) <= tolerance) & (later > first)
    return first[good], later[good]
