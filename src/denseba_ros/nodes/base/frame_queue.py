"""The queue between the middleware and the tracker: a bounded number waits, so delay is bounded."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """First in, first out; keeps the newest ``size`` items (all of them when 0). Thread-safe.

    It is shut at first: items wait until ``open``, so that the first image is not dropped because
    its camera_info comes a moment later.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._is_open = False
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether ``open`` was called."""
        return self._is_open

    @property
    def waiting(self) -> int:
        """Number of items."""
        return len(self._items)

    def peek(self) -> T | None:
        """The item that ``get`` would give next, None where none waits."""
        with self._changed:
            return self._items[0] if self._items else None

    def put(self, item: T) -> T | None:
        """Append ``item``; returns the oldest one where the queue was full, else None."""
        with self._changed:
            self._items.append(item)
            self._changed.notify()
            if self._size and len(self._items) > self._size:
                return self._items.popleft()
            return None

    def get(self) -> T | None:
        """The oldest item, waiting for it; None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or (self._is_open and self._items))
            return None if self._is_closed else self._items.popleft()

    def open(self) -> None:
        """Let ``get`` take items out."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def clear(self) -> list[T]:
        """Take out and return everything that waits, oldest first."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            return items

    def close(self) -> None:
        """End every present and future ``get``."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
