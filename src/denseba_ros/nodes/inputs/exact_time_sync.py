"""Join messages of several topics that carry the same stamp."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ExactTimeSync:
    """Collects one message of each of ``names`` per stamp; at most ``capacity`` sets wait.

    Topics deliver in order, so that a set completed later means that whatever came before it has
    lost a part.
    """

    def __init__(self, names: Iterable[str], capacity: int = 30) -> None:
        self._names, self._capacity = frozenset(names), capacity
        self._incomplete: dict[int, dict[str, Any]] = {}

    def add(
        self, name: str, stamp_ns: int, message: Any
    ) -> tuple[dict[str, Any] | None, list[int]]:
        """The complete set of ``stamp_ns`` (ns) or None, and the stamps that were given up."""
        self._incomplete.setdefault(stamp_ns, {})[name] = message
        given_up: list[int] = []
        if self._names == self._incomplete[stamp_ns].keys():
            while (oldest := next(iter(self._incomplete))) != stamp_ns:
                del self._incomplete[oldest]
                given_up.append(oldest)
            return self._incomplete.pop(stamp_ns), given_up
        while len(self._incomplete) > self._capacity:
            oldest = next(iter(self._incomplete))
            del self._incomplete[oldest]
            given_up.append(oldest)
        return None, given_up
