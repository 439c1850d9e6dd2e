"""Decode ahead in a thread, so that reading images overlaps with estimating."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


def prefetch(items: Iterable[Item], depth: int = 8) -> Generator[Item]:
    """Yield ``items`` in order, up to ``depth`` of them made ahead by one thread.

    An exception of ``items`` is raised here after the items before it. The thread ends when the
    generator is closed early.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(entry: tuple[Any, BaseException | None]) -> None:
        delivered = False
        while not delivered and not stopped.is_set():
            with suppress(queue.Full):
                ready.put(entry, timeout=0.1)
                delivered = True

    def produce() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    return
        except BaseException as caught:  # handed to the consumer, which raises it
            error = caught
        put((_END, error))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
