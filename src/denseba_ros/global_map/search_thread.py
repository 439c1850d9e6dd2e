"""Where the search for loops runs: in a thread of its own, or at once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from denseba_ros.global_map.loop_search import Found, LoopSearch, Query


class SearchThread:
    """Runs one job at a time: in a thread of its own where ``is_live``, else at once."""

    def __init__(self, is_live: bool) -> None:
        self._executor = ThreadPoolExecutor(1, "denseba loops") if is_live else None
        self._pending: Future[Found] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job was begun whose result was not taken yet."""
        return self._pending is not None

    def begin(self, search: LoopSearch, query: Query) -> None:
        """Begin a search; there must be none under way."""
        assert self._pending is None
        if self._executor is not None:
            self._pending = self._executor.submit(search.run, query)
            return
        self._pending = Future()
        self._pending.set_result(search.run(query))

    def take(self, is_awaited: bool = False) -> Found | None:
        """The result of a finished search, once; raises what it raised."""
        if self._pending is None or not (is_awaited or self._pending.done()):
            return None
        pending, self._pending = self._pending, None
        return pending.result()
