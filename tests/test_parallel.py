"""Every piece of a shared loop is worked on once, whatever the number of threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from denseba_ros.parallel import giving_way, parallel_for


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 5], indirect=True)
@pytest.mark.parametrize("pieces", [0, 1, 3, 8, 97])
def test_every_piece_once(threads: int, pieces: int) -> None:
    count, lock = np.zeros(pieces, int), threading.Lock()

    def loop(first: int, last: int, add: int) -> None:
        with lock:
            count[first:last] += add

    parallel_for(loop, pieces, 1)
    np.testing.assert_array_equal(count, 1)


@pytest.mark.parametrize("threads", [2], indirect=True)
def test_an_error_in_any_share_comes_out(threads: int) -> None:
    def loop(first: int, last: int) -> None:
        if first <= 3 < last:
            raise ValueError("piece 3")

    with pytest.raises(ValueError, match="piece 3"):
        parallel_for(loop, 8)


def test_a_thread_gives_way_while_another_is_more_urgent() -> None:
    urgent, began = threading.Event(), threading.Event()
    urgent.set()

    def work() -> None:
        with giving_way(urgent.is_set, 60.0):
            parallel_for(lambda *_: began.set(), 1)

    thread = threading.Thread(target=work)
    thread.start()
    # Another thread gives way to nobody.
    parallel_for(lambda *_: None, 1)
    assert not began.wait(0.1)
    urgent.clear()
    assert began.wait(30.0)
    thread.join()


def test_it_gives_way_for_a_limited_time_and_not_afterwards() -> None:
    calls = []
    with giving_way(lambda: calls.append(0) is None, 0.01):
        parallel_for(lambda *_: None, 1)
    asked = len(calls)
    assert 1 <= asked <= 6
    parallel_for(lambda *_: None, 1)
    assert len(calls) == asked
