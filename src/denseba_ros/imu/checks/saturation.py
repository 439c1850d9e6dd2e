"""Whether a sensor is at the end of its range, where that is stated, and where it is not."""

from __future__ import annotations

from collections.abc import Sequence

# Of a stated range.
_NEAR = 0.98
# Without one: so many equal values in a row, of at least this size and share of the largest seen.
_EQUAL, _SHARE = 3, 0.95


class Saturation:
    """One sensor of three axes. ``limit`` is its range, 0 where unknown: then a value beyond
    ``suspicious`` that stays the same to the last bit is the end of it."""

    def __init__(self, limit: float, suspicious: float) -> None:
        self._limit, self._suspicious = limit, suspicious
        self._last = [0.0, 0.0, 0.0]
        self._equal = [0, 0, 0]
        self._largest = 0.0

    def is_reached(self, values: Sequence[float]) -> bool:
        """Whether any axis of (3,) is saturated; to be asked of all samples in order."""
        sizes = [abs(v) for v in values]
        if self._limit > 0.0:
            return max(sizes) >= _NEAR * self._limit
        self._largest = max(self._largest, *sizes)
        reached = False
        for axis, size in enumerate(sizes):
            is_same = size == self._last[axis]
            self._equal[axis] = self._equal[axis] + 1 if is_same else 1
            self._last[axis] = size
            at_end = size > self._suspicious and size >= _SHARE * self._largest
            reached |= at_end and self._equal[axis] >= _EQUAL
        return reached
