"""From the arrival of an image to the call that processes it: stamps, session, queue, worker.

Needs no ROS. ``receive`` judges the stamp and queues the image in the caller's thread (the
executor's); a worker thread takes it out and calls the processor.
"""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, Protocol

from denseba_ros.errors import CalibrationError, ImageError, TrajectoryError
from denseba_ros.nodes.base.image_processor import ImageProcessor, ItemT, MissingInputError
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.base.worker import Worker
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.sequences.stamps.stamp_rule import Judged, StampRule, Verdict

# Images in a row that may fail by a bug before the node gives up.
_MAX_FAILURES = 3
# Why an image was dropped that newer ones overtook.
_TOO_SLOW = "too slow"
# How exact the times between images are, seconds.
_STAMP_NOISE = 0.005


class Logger(Protocol):
    """What the pipeline needs of a ROS logger."""

    def warning(self, message: str) -> object:
        """Log what the user should know."""
        ...

    def error(self, message: str) -> object:
        """Log what went wrong."""
        ...


@dataclass(frozen=True)
class _Arrived(Generic[ItemT]):
    """An item, the monotonic time (s) of its arrival, and the session that it belongs to."""

    item: ItemT
    at: float
    session: int


class ImagePipeline(Generic[ItemT]):
    """Queue, worker thread, session, stamps and failures of a node; lives as long as the node.

    A session is a time without a reset: where it changes, the processor begins a new odometry
    frame. ``failure`` is the bug that ended the worker, else None.
    """

    def __init__(self, health: Health, logger: Logger, throttled: ThrottledLogger) -> None:
        self.failure: Exception | None = None
        self._health, self._logger, self._throttled = health, logger, throttled
        self._processor: ImageProcessor[ItemT] | None = None
        self._worker: Worker[_Arrived[ItemT]] | None = None
        self._on_drop: Callable[[int, str], None] = _ignore
        self._max_wait = self._opened_at = 0.0
        self._last_processed_ns = 0
        self._rule: StampRule[ItemT] = StampRule()
        self._on_held: Callable[[int, str], None] = _ignore
        self._reset_requested = threading.Event()
        self._session = self._processed_session = 0
        self._session_reason = ""
        self._failures = 0

    @property
    def is_running(self) -> bool:
        """Whether items are taken, between ``start`` and ``stop``."""
        return self._worker is not None

    @property
    def is_open(self) -> bool:
        """Whether the worker has begun to process what waits."""
        return self._worker is not None and self._worker.queue.is_open

    @property
    def is_behind(self) -> bool:
        """Whether images wait while one is processed."""
        return self._worker is not None and self._worker.queue.waiting > 0

    # -- from activation to deactivation -------------------------------------------------------

    def start(
        self,
        processor: ImageProcessor[ItemT],
        queue_size: int,
        on_drop: Callable[[int, str], None],
        on_held: Callable[[int, str], None] | None = None,
        max_wait: float = 0.0,
    ) -> None:
        """Take items for ``processor``; ``queue_size`` 0 keeps them all. One that has waited longer
        than ``max_wait`` seconds is dropped where a newer one waits, and the gap that this leaves
        between stamps is no longer than that; 0: none is.

        ``on_drop`` gets stamp (ns) and reason of each item that is not processed, ``on_held`` of
        each that waits for the next ones before it is processed or dropped.
        """
        self._processor, self._on_drop, self._max_wait = processor, on_drop, max_wait
        self._on_held = on_held or _ignore
        self._worker = Worker(
            queue_size, partial(self._process, processor), partial(self._recover, processor)
        )

    def stop(self) -> None:
        """Finish the current item, drop those that wait, end the worker."""
        if self._worker is not None:
            self._worker.close()
            self._drop_held()
            for waiting in self._worker.queue.clear():
                self.drop(waiting.item.stamp_ns, "deactivated")
            self._worker = self._processor = None

    def close(self, timeout: float = 10.0) -> bool:
        """End the worker with the process; whether it ended within ``timeout`` seconds."""
        return self._worker is None or self._worker.close(timeout)

    def trust_stamps(self) -> None:
        """From now on believe every stamp that leaps: another node has judged them."""
        self._rule = StampRule(trusting=True)

    def reset_stamps(self) -> None:
        """Forget the last stamp: the next item may have any."""
        self._drop_held()
        self._rule.reset()

    # -- the caller's thread -------------------------------------------------------------------

    def receive(self, item: ItemT, on_accepted: Callable[[int], None] | None = None) -> None:
        """Judge the stamp of an item that arrived, and queue what may be used.

        The oldest is dropped where there are too many. ``on_accepted`` gets the stamp (ns) of each
        item before it is queued.
        """
        self._health.received()
        if self._worker is None:
            return
        if self._health.paused:
            self.drop(item.stamp_ns, "paused")
            return
        if self._reset_requested.is_set():
            self._reset_requested.clear()
            self._begin_session("reset by service")
            self.reset_stamps()
        for judged in self._rule.push(item, item.stamp_ns, time.time_ns()):
            if judged.verdict is Verdict.HELD:
                self._on_held(judged.stamp_ns, judged.verdict.value)
            elif judged.verdict.is_dropped:
                self._drop_by_stamp(judged)
            else:
                if on_accepted is not None:
                    on_accepted(judged.stamp_ns)
                self._queue(self._worker, judged)

    def _queue(self, worker: Worker[_Arrived[ItemT]], judged: Judged[ItemT]) -> None:
        if judged.verdict is Verdict.RESTART:
            self._begin_session("time jumped back by more than 1 s")
        if judged.verdict is Verdict.GAP:
            self._health.gap()
            text = f"no image for {judged.gap_ns * 1e-9:.1f} s: going on from the last pose"
            self._throttled.warn("gap", text)
        item = judged.item
        if item.stamp_ns != judged.stamp_ns:
            text = "the images have no stamps: taking the time at which each arrives"
            self._throttled.warn("no stamps", text)
            item = replace(item, stamp_ns=judged.stamp_ns)  # type: ignore[type-var]
        oldest = worker.queue.put(_Arrived(item, time.monotonic(), self._session))
        if oldest is not None:
            self.drop(oldest.item.stamp_ns, _TOO_SLOW if self.is_open else "inputs incomplete")
        self.open_if_ready()

    def _drop_by_stamp(self, judged: Judged[ItemT]) -> None:
        reason = judged.verdict.value
        self._throttled.warn(
            reason,
            f"image dropped: {reason} ({judged.stamp_ns} ns). Do two cameras publish on "
            "this topic, or does the driver not set stamps?",
        )
        self.drop(judged.stamp_ns, reason)

    def _drop_held(self) -> None:
        """Drop what waits for the next images, which do not come."""
        for judged in self._rule.flush():
            self.drop(judged.stamp_ns, "deactivated")

    def receive_incomplete(self, stamp_ns: int, reason: str) -> None:
        """Count an image of which only a part arrived."""
        self._health.received()
        self.drop(stamp_ns, reason)

    def count_lost(self, count: int) -> None:
        """Count images that the middleware lost, so that they never arrived."""
        self._health.dropped("lost on the way", count)

    def drop(self, stamp_ns: int, reason: str) -> None:
        """Count and report an image that is not processed."""
        self._health.dropped(reason)
        self._on_drop(stamp_ns, reason)

    def open_if_ready(self) -> None:
        """Let the worker begin as soon as the processor misses nothing."""
        worker, processor = self._worker, self._processor
        if worker is None or processor is None or worker.queue.is_open:
            return
        if processor.is_ready():
            self._opened_at = time.monotonic()
            worker.queue.open()

    def request_session(self) -> None:
        """Begin a new session with the next item; its stamp may be any. Thread-safe."""
        self._reset_requested.set()

    def _begin_session(self, reason: str) -> None:
        self._session += 1
        self._session_reason = reason

    # -- the worker's thread -------------------------------------------------------------------

    def _process(self, processor: ImageProcessor[ItemT], arrived: _Arrived[ItemT]) -> None:
        stamp_ns = arrived.item.stamp_ns
        if arrived.session != self._processed_session:
            self._processed_session = arrived.session
            self._last_processed_ns = 0
            self._reset(processor, self._session_reason)
        if self._is_outdated(arrived):
            self.drop(stamp_ns, _TOO_SLOW)
            return
        self._last_processed_ns = stamp_ns
        try:
            processor.process(arrived.item)
        except MissingInputError as missing:
            self.drop(stamp_ns, str(missing))
        except (ImageError, CalibrationError, TrajectoryError) as error:
            cause = re.sub(r"\d+", "#", str(error))
            self._throttled.warn(cause, f"image dropped: {error}")
            self.drop(stamp_ns, "bad image")
            processor.coast(stamp_ns)
        self._health.latency(time.monotonic() - arrived.at)
        self._failures = 0

    def _is_outdated(self, arrived: _Arrived[ItemT]) -> bool:
        """Whether an item waited too long for the tracker, and the next one waits and is near
        enough in time to the last that was processed: over a gap little can be tracked."""
        waited = time.monotonic() - max(arrived.at, self._opened_at)
        if not 0.0 < self._max_wait < waited or self._worker is None:
            return False
        following = self._worker.queue.peek()
        if following is None or following.session != arrived.session:
            return False
        gap = (following.item.stamp_ns - self._last_processed_ns) * 1e-9
        return gap <= self._max_wait + _STAMP_NOISE

    def _reset(self, processor: ImageProcessor[ItemT], reason: str) -> None:
        self._logger.warning(f"{reason}: a new odometry frame starts with the next image")
        processor.reset()
        self._health.reset()

    def _recover(self, processor: ImageProcessor[ItemT], error: Exception) -> bool:
        """After a bug or a failing device: reset, but not for ever. False ends the worker."""
        self._failures += 1
        if self._failures >= _MAX_FAILURES:
            self.failure = error
            return False
        trace = "".join(traceback.format_exception(error))
        self._logger.error(f"an image could not be processed, starting anew:\n{trace}")
        self._health.dropped("internal error")
        self._reset(processor, f"internal error ({type(error).__name__})")
        return True


def _ignore(_: int, __: str) -> None:
    """Nobody is told of drops before the first ``start``."""
