"""Time of each stage of one image."""

from __future__ import annotations

import time


class StageTimer:
    """A stopwatch with laps: ``seconds`` by stage, in the order in which they ended."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End ``stage``: it took the time since the last lap."""
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now

    def skip(self, stage: str) -> None:
        """A stage that this image does not go through took no time."""
        self.seconds[stage] = 0.0
