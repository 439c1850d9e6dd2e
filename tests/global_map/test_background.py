"""One job at a time; what it raises comes where its result is taken."""

from __future__ import annotations

import threading

import pytest

from denseba_ros.global_map.background import Background
from denseba_ros.parallel import give_way


def test_in_lockstep_a_job_is_done_at_once() -> None:
    background: Background[int] = Background("test", is_live=False)
    background.begin(lambda: 3)
    assert background.take() == 3
    assert background.take() is None


def test_live_it_runs_beside() -> None:
    go_on = threading.Event()
    background: Background[bool] = Background("test", is_live=True)
    background.begin(lambda: go_on.wait(30.0))
    assert background.is_busy
    assert background.take() is None
    with pytest.raises(RuntimeError, match="under way"):
        background.begin(lambda: True)
    go_on.set()
    assert background.take(is_awaited=True) is True
    assert not background.is_busy


@pytest.mark.parametrize("is_live", [False, True])
def test_a_failure_is_not_lost(is_live: bool) -> None:
    def fail() -> int:
        raise ValueError("broken")

    background: Background[int] = Background("test", is_live)
    background.begin(fail)
    with pytest.raises(ValueError, match="broken"):
        background.take(is_awaited=True)
    assert background.take() is None


def test_live_it_gives_way_to_what_is_needed_more() -> None:
    needed, began = threading.Event(), threading.Event()
    needed.set()
    background: Background[None] = Background("test", True, needed.is_set)

    def job() -> None:
        give_way()
        began.set()

    background.begin(job)
    assert not began.wait(0.1)
    needed.clear()
    background.take(is_awaited=True)
    assert began.is_set()


def test_in_lockstep_it_waits_for_nobody() -> None:
    asked = []
    background: Background[None] = Background("test", False, lambda: asked.append(0) is None)
    background.begin(give_way)
    assert asked == []
