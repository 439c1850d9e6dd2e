"""The queue keeps the newest and never blocks its producer."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.nodes.base.frame_queue import FrameQueue


@given(st.integers(1, 5), st.lists(st.integers(), max_size=20))
def test_it_keeps_the_newest_in_order_and_gives_back_the_rest(size: int, items: list[int]) -> None:
    queue: FrameQueue[int] = FrameQueue(size)
    dropped = [d for d in (queue.put(item) for item in items) if d is not None]
    kept = queue.clear()
    assert dropped + kept == items
    assert len(kept) == min(size, len(items))


@given(st.integers(0, 5), st.lists(st.integers(), min_size=1, max_size=20))
def test_the_oldest_that_waits_comes_out_first(size: int, items: list[int]) -> None:
    """A tracker needs images in the order of time."""
    queue: FrameQueue[int] = FrameQueue(size)
    for item in items:
        queue.put(item)
    queue.open()
    kept = items[-size:]
    assert [queue.get() for _ in kept] == kept
    assert queue.clear() == []


def test_size_zero_keeps_everything() -> None:
    queue: FrameQueue[int] = FrameQueue(0)
    assert [queue.put(i) for i in range(100)] == [None] * 100
    assert queue.clear() == list(range(100))


def test_nothing_comes_out_before_it_is_opened_and_nothing_after_it_is_closed() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    received: list[int | None] = []
    first, second = threading.Event(), threading.Event()

    def take() -> None:
        received.append(queue.get())
        first.set()
        received.append(queue.get())
        second.set()

    thread = threading.Thread(target=take)
    thread.start()
    queue.put(1)
    assert not first.wait(0.1)
    queue.open()
    assert first.wait(5.0)
    assert not second.wait(0.1)
    queue.close()
    assert second.wait(5.0)
    thread.join()
    assert received == [1, None]
