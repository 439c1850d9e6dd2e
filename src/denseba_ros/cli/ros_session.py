"""A process in the ROS graph, for the commands that publish or listen themselves."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from denseba_ros import transport


@contextmanager
def ros_session() -> Iterator[threading.Event]:
    """ROS is initialised inside; the event is set when the user asks to stop.

    Raises:
        ModuleNotFoundError: without ROS 2.
    """
    transport.activate()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from denseba_ros.nodes.base.stopping import stop_event

    stop = stop_event()
    # --ros-args of the command line are for rclpy.
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield stop
    finally:
        rclpy.try_shutdown()
