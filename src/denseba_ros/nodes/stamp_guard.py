"""Time must go forward: what to do with an image whose stamp does not."""

from __future__ import annotations

from enum import Enum

RESET_AFTER_NS = 1_000_000_000
"""A jump back of more than this is a bag that starts again, not a late message."""


class StampVerdict(Enum):
    """What the stamp of an image says about it."""

    ACCEPT = "accept"
    DUPLICATE = "duplicate stamp"
    BACKWARDS = "stamp earlier than the last image's"
    RESTART = "time jumped back"


class StampGuard:
    """Compares each stamp with the last accepted one."""

    def __init__(self) -> None:
        self._last: int | None = None

    def check(self, stamp_ns: int) -> StampVerdict:
        """ACCEPT and RESTART make ``stamp_ns`` the new last one."""
        if self._last is not None and stamp_ns <= self._last:
            if stamp_ns == self._last:
                return StampVerdict.DUPLICATE
            if self._last - stamp_ns <= RESET_AFTER_NS:
                return StampVerdict.BACKWARDS
            self._last = stamp_ns
            return StampVerdict.RESTART
        self._last = stamp_ns
        return StampVerdict.ACCEPT

    def reset(self) -> None:
        self._last = None
