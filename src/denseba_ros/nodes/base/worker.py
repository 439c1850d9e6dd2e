"""The thread that processes images while the executor keeps answering."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from denseba_ros.nodes.base.frame_queue import FrameQueue

T = TypeVar("T")


class Worker(Generic[T]):
    """A thread that calls ``process`` with every item of its ``queue``, one after the other.

    ``on_failure`` gets what ``process`` raised; where it returns False the thread ends.
    ``queue_size`` is that of ``FrameQueue``.
    """

    def __init__(
        self,
        queue_size: int,
        process: Callable[[T], None],
        on_failure: Callable[[Exception], bool],
    ) -> None:
        self.queue: FrameQueue[T] = FrameQueue(queue_size)
        self._process, self._on_failure = process, on_failure
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="denseba worker", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (item := self.queue.get()) is not None:
            try:
                self._process(item)
            except Exception as error:
                # After closing nobody waits for the result, and the publishers may be gone.
                if self._is_closed or not self._on_failure(error):
                    return

    def close(self, timeout: float = 10.0) -> bool:
        """Finish the current item, leave the rest, end the thread.

        Returns whether it ended within ``timeout`` seconds.
        """
        self._is_closed = True
        self.queue.close()
        self._thread.join(timeout)
        return not self._thread.is_alive()
