"""Decoding ahead keeps the order, the errors, and ends its thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from denseba_ros.sequences.prefetch import prefetch


def _threads() -> int:
    return sum(t.name == "prefetch" for t in threading.enumerate())


def test_order_is_kept() -> None:
    assert list(prefetch(range(100), depth=3)) == list(range(100))
    assert _threads() == 0


def test_error_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("truncated image")

    items = prefetch(broken())
    assert next(items) == 1
    with pytest.raises(OSError, match="truncated image"):
        next(items)
    assert _threads() == 0


def test_closing_early_ends_the_thread_of_an_endless_source() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    items = prefetch(endless(), depth=2)
    assert next(items) == 1
    items.close()
    assert _threads() == 0


def test_decoding_goes_on_while_the_consumer_works() -> None:
    made = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    items = prefetch(source())
    assert next(items) == 1
    assert made.wait(timeout=10), "the second item is made without being asked for"
    assert list(items) == [2]
