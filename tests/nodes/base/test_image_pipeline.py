"""What becomes of items between their arrival and their processing; without ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from denseba_ros.errors import ImageError
from denseba_ros.nodes.base.image_pipeline import ImagePipeline
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.outputs.health import Health

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Item:
    stamp_ns: int


class Recorder:
    """A processor and a logger that remember their calls; ``failures`` is raised by stamp."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.failures: dict[int, Exception] = {}
        self.blocked: dict[int, threading.Event] = {}
        self.logged: list[str] = []
        self.warning = self.error = self.logged.append
        self.ready = True
        self.threads: set[str] = set()

    def is_ready(self) -> bool:
        return self.ready

    def process(self, item: Item) -> None:
        self.threads.add(threading.current_thread().name)
        self.calls.append(("process", item.stamp_ns))
        if item.stamp_ns in self.blocked:
            assert self.blocked[item.stamp_ns].wait(20.0)
        if item.stamp_ns in self.failures:
            raise self.failures[item.stamp_ns]

    def reset(self) -> None:
        self.calls.append(("reset", 0))

    def coast(self, stamp_ns: int) -> None:
        self.calls.append(("coast", stamp_ns))


class Bench:
    """A pipeline with a recorder; ``queue_size`` and ``max_wait`` are those of ``start``."""

    def __init__(self, queue_size: int = 0, max_wait: float = 0.0) -> None:
        self.recorder, self.health = Recorder(), Health()
        self.drops: list[tuple[int, str]] = []
        self.held: list[int] = []
        throttled = ThrottledLogger(self.recorder.warning)
        self.pipeline = ImagePipeline[Item](self.health, self.recorder, throttled)
        self.queue_size, self.max_wait = queue_size, max_wait
        self.start()

    def start(self) -> None:
        processor: Any = self.recorder
        self.pipeline.start(
            processor,
            self.queue_size,
            lambda *drop: self.drops.append(drop),
            lambda stamp, _: self.held.append(stamp),
            self.max_wait,
        )

    def receive(self, *stamps: int) -> None:
        for stamp in stamps:
            self.pipeline.receive(Item(stamp))

    def wait(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + 20.0
        while not condition():
            assert time.monotonic() < deadline, f"waited for {what}: {self.recorder.calls}"
            time.sleep(0.002)

    def wait_for(self, *calls: tuple[str, int]) -> None:
        self.wait(lambda: len(self.recorder.calls) >= len(calls), f"{calls}")
        assert self.recorder.calls == list(calls)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.pipeline.close()


def test_items_are_processed_in_order_in_one_thread_of_its_own(bench: Bench) -> None:
    bench.receive(1, 2, 3)
    bench.wait_for(("process", 1), ("process", 2), ("process", 3))
    assert bench.recorder.threads == {"denseba worker"}
    assert bench.drops == []
    assert bench.health.report().received == 3


def test_items_wait_until_the_processor_is_ready(bench: Bench) -> None:
    bench.recorder.ready = False
    bench.receive(1, 2)
    assert not bench.pipeline.is_open
    assert bench.recorder.calls == []
    bench.recorder.ready = True
    bench.pipeline.open_if_ready()
    assert bench.pipeline.is_open
    bench.wait_for(("process", 1), ("process", 2))


def test_the_oldest_is_dropped_with_the_reason_why_it_waited() -> None:
    bench = Bench(queue_size=1)
    bench.recorder.ready = False
    bench.receive(1, 2)
    assert bench.drops == [(1, "inputs incomplete")]
    bench.recorder.ready = True
    bench.recorder.blocked[2] = threading.Event()
    bench.pipeline.open_if_ready()
    bench.wait_for(("process", 2))
    bench.receive(3, 4)
    assert bench.drops[1:] == [(3, "too slow")]
    bench.recorder.blocked[2].set()
    bench.wait_for(("process", 2), ("process", 4))
    bench.pipeline.close()


def test_one_that_waited_too_long_is_dropped_for_a_newer_one() -> None:
    bench = Bench(queue_size=10, max_wait=0.05)
    first, *others, last = (k * SECOND // 100 for k in range(1, 5))
    bench.recorder.blocked[first] = threading.Event()
    bench.receive(first)
    bench.wait_for(("process", first))
    bench.receive(*others, last)
    time.sleep(0.1)
    bench.recorder.blocked[first].set()
    # The newest is kept, however long it waited: nothing newer is there.
    bench.wait_for(("process", first), ("process", last))
    assert bench.drops == [(stamp, "too slow") for stamp in others]
    bench.pipeline.close()


def test_none_is_dropped_where_that_leaves_a_long_gap() -> None:
    bench = Bench(queue_size=10, max_wait=0.05)
    stamps = [k * SECOND // 30 for k in range(1, 6)]
    bench.recorder.blocked[stamps[0]] = threading.Event()
    bench.receive(stamps[0])
    bench.wait_for(("process", stamps[0]))
    bench.receive(*stamps[1:])
    time.sleep(0.1)
    bench.recorder.blocked[stamps[0]].set()
    bench.wait_for(*(("process", stamp) for stamp in stamps))
    assert bench.drops == []
    bench.pipeline.close()


def test_the_first_of_a_new_session_is_not_overtaken() -> None:
    bench = Bench(queue_size=10, max_wait=0.05)
    bench.recorder.blocked[100 * SECOND] = threading.Event()
    bench.receive(100 * SECOND)
    bench.wait_for(("process", 100 * SECOND))
    bench.pipeline.request_session()
    bench.receive(SECOND, SECOND + SECOND // 100)
    time.sleep(0.1)
    bench.recorder.blocked[100 * SECOND].set()
    bench.wait(lambda: ("process", SECOND + SECOND // 100) in bench.recorder.calls, "the last")
    assert ("process", SECOND) in bench.recorder.calls
    assert bench.drops == []
    bench.pipeline.close()


def test_the_wait_for_inputs_is_not_a_wait_for_the_tracker() -> None:
    bench = Bench(queue_size=10, max_wait=1.0)
    bench.recorder.ready = False
    bench.receive(1, 2, 3)
    time.sleep(1.1)
    bench.recorder.ready = True
    bench.pipeline.open_if_ready()
    bench.wait_for(("process", 1), ("process", 2), ("process", 3))
    assert bench.drops == []
    bench.pipeline.close()


def test_stamps_that_do_not_rise_are_dropped(bench: Bench) -> None:
    bench.receive(2 * SECOND, 2 * SECOND, 2 * SECOND - 1, 2 * SECOND + 1)
    bench.wait_for(("process", 2 * SECOND), ("process", 2 * SECOND + 1))
    assert bench.drops == [
        (2 * SECOND, "duplicate stamp"),
        (2 * SECOND - 1, "stamp earlier than the last image's"),
    ]


def test_a_jump_back_in_time_resets_the_processor_once(bench: Bench) -> None:
    bench.receive(9 * SECOND, SECOND, 2 * SECOND)
    assert bench.held == [SECOND, 2 * SECOND]
    bench.receive(3 * SECOND)
    after = [("process", i * SECOND) for i in (1, 2, 3)]
    bench.wait_for(("process", 9 * SECOND), ("reset", 0), *after)
    assert bench.health.resets == 1
    assert bench.recorder.logged == [
        "time jumped back by more than 1 s: a new odometry frame starts with the next image"
    ]


def test_an_outlier_is_dropped_and_what_is_held_is_dropped_at_the_end(bench: Bench) -> None:
    accepted: list[int] = []
    for stamp in (SECOND, 9 * SECOND, SECOND + 1, 5 * SECOND):
        bench.pipeline.receive(Item(stamp), accepted.append)
    bench.wait_for(("process", SECOND), ("process", SECOND + 1))
    assert accepted == [SECOND, SECOND + 1]
    assert bench.drops == [(9 * SECOND, "stamp leaps")]
    bench.pipeline.stop()
    assert bench.drops[1:] == [(5 * SECOND, "deactivated")]


def test_without_stamps_the_arrival_is_the_time(bench: Bench) -> None:
    before = time.time_ns()
    bench.receive(0, 0, 0, 0)
    bench.wait(lambda: len(bench.recorder.calls) == 4, "four images")
    stamps = [stamp for _, stamp in bench.recorder.calls]
    assert before <= stamps[0] < stamps[1] < stamps[2] < stamps[3]
    assert bench.recorder.logged == [
        "the images have no stamps: taking the time at which each arrives"
    ]


def test_a_requested_session_begins_with_the_next_item_of_any_stamp(bench: Bench) -> None:
    bench.receive(5)
    bench.pipeline.request_session()
    bench.receive(5, 6)
    bench.wait_for(("process", 5), ("reset", 0), ("process", 5), ("process", 6))
    assert bench.health.resets == 1


def test_items_received_before_the_request_belong_to_the_old_session(bench: Bench) -> None:
    bench.recorder.blocked[1] = threading.Event()
    bench.receive(1, 2)
    bench.pipeline.request_session()
    bench.receive(3)
    bench.recorder.blocked[1].set()
    bench.wait_for(("process", 1), ("process", 2), ("reset", 0), ("process", 3))


def test_a_gap_is_counted_and_logged(bench: Bench) -> None:
    bench.receive(SECOND, 4 * SECOND, 4 * SECOND + 1, 4 * SECOND + 2)
    bench.wait_for(("process", SECOND), *(("process", 4 * SECOND + i) for i in range(3)))
    assert bench.health.report().gaps == 1
    assert bench.recorder.logged == ["no image for 3.0 s: going on from the last pose"]


def test_while_paused_nothing_is_queued(bench: Bench) -> None:
    bench.health.paused = True
    bench.receive(1)
    bench.health.paused = False
    bench.receive(2)
    bench.wait_for(("process", 2))
    assert bench.drops == [(1, "paused")]


def test_an_unusable_item_is_dropped_and_coasted_over(bench: Bench) -> None:
    bench.recorder.failures = {1: ImageError("size 3x4"), 2: ImageError("size 5x6")}
    bench.receive(1, 2, 3)
    bench.wait_for(("process", 1), ("coast", 1), ("process", 2), ("coast", 2), ("process", 3))
    assert bench.drops == [(1, "bad image"), (2, "bad image")]
    # The same but for the numbers: throttled.
    assert bench.recorder.logged == ["image dropped: size 3x4"]


def test_a_missing_input_drops_the_item_without_coasting(bench: Bench) -> None:
    bench.recorder.failures[1] = MissingInputError("no TF to camera")
    bench.receive(1, 2)
    bench.wait_for(("process", 1), ("process", 2))
    assert bench.drops == [(1, "no TF to camera")]


def test_a_bug_resets_and_the_third_in_a_row_ends_the_worker(bench: Bench) -> None:
    bug = ZeroDivisionError("a bug")
    bench.recorder.failures = dict.fromkeys([1, 3, 4, 5], bug)
    bench.receive(1, 2, 3, 4)
    calls = [("process", 1), ("reset", 0), ("process", 2)]
    calls += [("process", 3), ("reset", 0), ("process", 4), ("reset", 0)]
    bench.wait_for(*calls)
    assert bench.pipeline.failure is None
    bench.receive(5)
    bench.wait(lambda: bench.pipeline.failure is bug, "the failure")
    assert bench.recorder.calls == [*calls, ("process", 5)]
    assert bench.health.report().drops == {"internal error": 3}


def test_stop_drops_what_waits_and_start_goes_on_with_the_stamps(bench: Bench) -> None:
    bench.recorder.ready = False
    bench.receive(5, 6)
    bench.pipeline.stop()
    assert bench.drops == [(5, "deactivated"), (6, "deactivated")]
    assert not bench.pipeline.is_running
    bench.receive(7)
    assert bench.drops[2:] == []
    bench.recorder.ready = True
    bench.start()
    bench.receive(6)
    assert bench.drops[2:] == [(6, "duplicate stamp")]
    bench.pipeline.reset_stamps()
    bench.receive(6)
    bench.wait_for(("process", 6))


def test_close_waits_only_so_long(bench: Bench) -> None:
    bench.recorder.blocked[1] = threading.Event()
    bench.receive(1)
    bench.wait_for(("process", 1))
    assert not bench.pipeline.close(timeout=0.01)
    bench.recorder.blocked[1].set()
    assert bench.pipeline.close()


def test_what_never_arrived_and_what_arrived_in_part_is_counted(bench: Bench) -> None:
    bench.pipeline.count_lost(3)
    bench.pipeline.receive_incomplete(1, "frontend message lost")
    report = bench.health.report()
    assert report.drops == {"lost on the way": 3, "frontend message lost": 1}
    assert report.received == 1
    assert bench.drops == [(1, "frontend message lost")]
