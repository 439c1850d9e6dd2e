"""The thread that does the work while the executor keeps answering."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from denseba_ros.nodes.base.frame_queue import FrameQueue

T = TypeVar("T")


class Worker(Generic[T]):
    """Calls ``handle`` with every item of a queue, one after the other.

    ``fail`` gets what ``handle`` raised; where it returns False the thread ends.
    """

    def __init__(
        self, queue_size: int, handle: Callable[[T], None], fail: Callable[[Exception], bool]
    ) -> None:
        self.queue: FrameQueue[T] = FrameQueue(queue_size)
        self._handle, self._fail = handle, fail
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="denseba worker", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (item := self.queue.get()) is not None:
            try:
                self._handle(item)
            except Exception as error:
                # After closing nobody waits for the result, and the publishers may be gone.
                if self._is_closed or not self._fail(error):
                    return

    def close(self, timeout: float = 10.0) -> bool:
        """Finish the item in hand, leave the rest, end the thread; whether it has ended."""
        self._is_closed = True
        self.queue.close()
        self._thread.join(timeout)
        return not self._thread.is_alive()
