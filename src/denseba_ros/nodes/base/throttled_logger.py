"""Warnings that repeat at most every few seconds, each cause on its own."""

from __future__ import annotations

import time
from collections.abc import Callable


class ThrottledLogger:
    """Says a thing at once, then at most every ``period`` seconds with how often it happened."""

    def __init__(self, say: Callable[[str], object], period: float = 5.0) -> None:
        self._say, self._period = say, period
        self._said_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def warn(self, cause: str, text: str) -> None:
        """``cause`` names what is throttled together; ``text`` may differ from time to time."""
        now = time.monotonic()
        if now - self._said_at.get(cause, -self._period) < self._period:
            self._unsaid[cause] = self._unsaid.get(cause, 0) + 1
            return
        unsaid = self._unsaid.pop(cause, 0)
        self._said_at[cause] = now
        self._say(f"{text} ({unsaid} more since the last time)" if unsaid else text)
