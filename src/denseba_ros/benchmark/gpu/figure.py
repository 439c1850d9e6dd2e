"""One measured number with the bar that it has to meet."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Figure:
    """``value`` in ``unit`` (empty: a plain number) against ``bar``, None where there is none.

    ``is_least``: the bar is the least that will do, not the most. ``aim`` is what is hoped for.
    """

    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    aim: float | None = None
    is_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is met, None where there is none; NaN meets no bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.is_least else self.value <= self.bar

    def as_json(self) -> dict[str, Any]:
        """As JSON values; what is not finite, which JSON does not have, as null."""
        value = self.value if math.isfinite(self.value) else None
        return {**vars(self), "value": value, "is_met": self.is_met}


def largest(values: Iterable[float]) -> float:
    """The largest value, 0 without any; infinite where one is not finite, so that NaN shows."""
    values = list(values)
    return max(values, default=0.0) if all(map(math.isfinite, values)) else math.inf


@dataclass(frozen=True)
class PartResult:
    """What one part found: ``figures``, ``notes`` in words, and ``details`` as JSON values."""

    figures: list[Figure]
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def without_bars(self) -> PartResult:
        """The same where sizes or device are not those that the bars are for."""
        return replace(self, figures=[replace(f, bar=None, aim=None) for f in self.figures])

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "notes": self.notes,
            "details": self.details,
        }
