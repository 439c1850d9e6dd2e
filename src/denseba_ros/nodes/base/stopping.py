"""SIGINT and SIGTERM as an event, so that every process ends its own work before ROS ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def stop_event() -> threading.Event:
    """An event that both signals set; a second one, while cleaning up, changes nothing.

    For the main thread of a process that ends soon after: the handlers stay, because
    ``ros2 launch`` may signal twice.
    """
    stop = threading.Event()

    def ask_to_stop(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    return stop
