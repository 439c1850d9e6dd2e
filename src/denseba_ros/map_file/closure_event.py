"""What became of a place that was tried as a loop closure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClosureEvent:
    """``first`` and ``second`` are keyframes that were held for one place in run ``session`` at
    ``stamp_ns``; ``outcome`` such as "accepted", "refused" or "taken back", with its ``reason``."""

    session: int
    stamp_ns: int
    first: int
    second: int
    outcome: str
    reason: str = ""
