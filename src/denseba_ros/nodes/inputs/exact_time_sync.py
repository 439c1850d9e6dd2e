"""Join messages of several topics that carry the same stamp."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ExactTimeSync:
    """Collects one message of each name per stamp.

    Topics deliver in order, so that a set completed later means that whatever was begun before
    it has lost a part.
    """

    def __init__(self, names: Iterable[str], capacity: int = 30) -> None:
        self._names, self._capacity = frozenset(names), capacity
        self._begun: dict[int, dict[str, Any]] = {}

    def add(
        self, name: str, stamp_ns: int, message: Any
    ) -> tuple[dict[str, Any] | None, list[int]]:
        """The complete set of ``stamp_ns`` or None, and the stamps that were given up."""
        self._begun.setdefault(stamp_ns, {})[name] = message
        given_up: list[int] = []
        if self._names == self._begun[stamp_ns].keys():
            while (oldest := next(iter(self._begun))) != stamp_ns:
                del self._begun[oldest]
                given_up.append(oldest)
            return self._begun.pop(stamp_ns), given_up
        while len(self._begun) > self._capacity:
            oldest = next(iter(self._begun))
            del self._begun[oldest]
            given_up.append(oldest)
        return None, given_up
