"""SIGINT and SIGTERM as an event, so that every process ends its own work before ROS ends.

Python runs a signal's handler in the main thread, between two of its own instructions: not while
that thread is in compiled code, and to no avail while it does not look at the event. Python does
write the signal into a pipe at once, though, which a thread of ours reads.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

# A terminal's Ctrl-C and ``ros2 launch`` may send one request twice, so close together.
_SAME_REQUEST_SECONDS = 0.1


def stop_event(grace: Callable[[], float] | None = None) -> threading.Event:
    """An event that both signals set.

    With ``grace``, which is asked at the first signal for seconds (at least 0.1), the process
    leaves that long after it with status 0, whatever its main thread is doing, and on a second
    signal at once. Without, it is left to itself, and a second signal changes nothing.

    For the main thread of a process that ends soon after: the handlers stay.
    """
    stop = threading.Event()

    def ask_to_stop(_: int, __: FrameType | None) -> None:
        stop.set()

    if grace is not None:
        _leave_in_time(grace)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    return stop


def leave_now(status: int) -> NoReturn:
    """End the process without Python's and torch's own clearing up, which takes a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _leave_in_time(grace: Callable[[], float]) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    threading.Thread(
        target=_leave_after_signal, args=(read_end, grace), name="denseba stop", daemon=True
    ).start()


def _leave_after_signal(read_end: int, grace: Callable[[], float]) -> None:
    os.read(read_end, 1)
    time.sleep(_SAME_REQUEST_SECONDS)
    while select.select([read_end], [], [], 0.0)[0]:
        os.read(read_end, 1)
    select.select([read_end], [], [], grace() - _SAME_REQUEST_SECONDS)
    # Nothing is flushed: the main thread may hold the locks of stdout.
    os._exit(0)
