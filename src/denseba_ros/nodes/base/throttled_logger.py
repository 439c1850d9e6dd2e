"""Warnings that repeat at most every few seconds, each cause on its own."""

from __future__ import annotations

import time
from collections.abc import Callable


class ThrottledLogger:
    """Logs a warning at once, then at most every ``period`` seconds, with how many were left out.

    ``log`` is the logger's own function, ``node.get_logger().warning`` for example.
    """

    def __init__(self, log: Callable[[str], object], period: float = 5.0) -> None:
        self._log, self._period = log, period
        self._logged_at: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def warn(self, cause: str, text: str) -> None:
        """``cause`` names what is throttled together; ``text`` may differ from time to time."""
        now = time.monotonic()
        if now - self._logged_at.get(cause, -self._period) < self._period:
            self._suppressed[cause] = self._suppressed.get(cause, 0) + 1
            return
        suppressed = self._suppressed.pop(cause, 0)
        self._logged_at[cause] = now
        self._log(f"{text} ({suppressed} more since the last time)" if suppressed else text)
