"""Time must go forward: what to do with an image whose stamp does not."""

from __future__ import annotations

from enum import Enum

RESET_AFTER_NS = 1_000_000_000
"""A jump back of more than this is a bag that is played again, not a late message."""
GAP_NS = 1_000_000_000
"""Images further apart are a gap, over which the last velocity says nothing."""


class TimestampVerdict(Enum):
    """What the stamp of an image says about it."""

    ACCEPT = "accept"
    GAP = "a gap before it"
    DUPLICATE = "duplicate stamp"
    BACKWARDS = "stamp earlier than the last image's"
    RESTART = "time jumped back"


class TimestampMonitor:
    """Compares each stamp with the last accepted one; ``gap_ns`` is the time between the two."""

    def __init__(self) -> None:
        self._last: int | None = None
        self.gap_ns = 0

    def check(self, stamp_ns: int) -> TimestampVerdict:
        """The verdict on a stamp (ns); ACCEPT, GAP and RESTART make it the new last one."""
        last = stamp_ns - 1 if self._last is None else self._last
        if stamp_ns == last:
            return TimestampVerdict.DUPLICATE
        if 0 < last - stamp_ns <= RESET_AFTER_NS:
            return TimestampVerdict.BACKWARDS
        self._last, self.gap_ns = stamp_ns, stamp_ns - last
        if stamp_ns < last:
            return TimestampVerdict.RESTART
        return TimestampVerdict.GAP if self.gap_ns > GAP_NS else TimestampVerdict.ACCEPT

    def reset(self) -> None:
        """Forget the last stamp: the next may be any."""
        self._last = None
