"""Work beside tracking: one job at a time in a thread of its own, or at once in lockstep."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from denseba_ros.parallel import giving_way

T = TypeVar("T")

# Seconds that a job gives way at most: a search is of use only while its keyframe is new.
_MAX_PAUSE = 1.0


class Background(Generic[T]):
    """Only the thread that tracks calls it."""

    def __init__(
        self, name: str, is_live: bool, is_needed: Callable[[], bool] = lambda: False
    ) -> None:
        """``is_live``: jobs run in a thread called ``name``, which ends with ``close``, and give
        way, a second at most, while ``is_needed`` (``parallel.giving_way``)."""
        self._is_needed = is_needed
        self._executor = ThreadPoolExecutor(1, name) if is_live else None
        self._pending: Future[T] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job was begun whose result was not taken yet."""
        return self._pending is not None

    def begin(self, job: Callable[[], T]) -> None:
        """Begin a job.

        Raises:
            RuntimeError: while another is under way.
        """
        if self._pending is not None:
            raise RuntimeError("a job is under way")
        if self._executor is not None:
            self._pending = self._executor.submit(self._beside, job)
            return
        self._pending = Future()
        try:
            self._pending.set_result(job())
        except Exception as error:  # raised where the result is taken, as from a thread
            self._pending.set_exception(error)

    def take(self, is_awaited: bool = False) -> T | None:
        """The result of a job that has ended, once; ``is_awaited``: wait for one that is under way.

        Raises what the job raised.
        """
        if self._pending is None or not (is_awaited or self._pending.done()):
            return None
        pending, self._pending = self._pending, None
        return pending.result()

    def _beside(self, job: Callable[[], T]) -> T:
        with giving_way(self._is_needed, _MAX_PAUSE):
            return job()

    def close(self) -> None:
        """End the thread, after the job that is under way; may be called again."""
        if self._executor is not None:
            self._executor.shutdown()
