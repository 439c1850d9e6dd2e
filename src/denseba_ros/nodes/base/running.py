"""Start a node, spin it, and end it cleanly however it ends."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.signals import SignalHandlerOptions

from denseba_ros import transport
from denseba_ros.errors import DensebaError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.base.stopping import leave_now, stop_event

RCLError = rclpy_implementation.RCLError
_SPIN_SECONDS = 0.2
# The current image is waited for so long after SIGINT.
_CLOSE_SECONDS = 0.4
# So long after SIGINT the process is gone, even while it compiles or loads models.
_GRACE_SECONDS = 0.7
# The same where a map is written: less than the 5 s after which ``ros2 launch`` asks again.
_SAVING_CLOSE_SECONDS, _SAVING_GRACE_SECONDS = 2.0, 4.5
_WRONG_INPUT = 2
_BUG = 1


def run_node(make_node: Callable[[], ManagedNode[Any]]) -> int:
    """Run the node of ``make_node`` until SIGINT, SIGTERM or a failure; returns the exit status.

    Asked to stop, it ends within a second, within five where it writes a map, on a second signal at
    once: while it is configured too.

    0 when asked to stop, 2 when a parameter or the machine is wrong, 1 on a bug.
    """
    transport.activate()
    # Our own handlers, so that the worker ends before the context does.
    nodes: list[ManagedNode[Any]] = []
    stop = stop_event(lambda: _SAVING_GRACE_SECONDS if _must_save(nodes) else _GRACE_SECONDS)

    def make() -> ManagedNode[Any]:
        nodes.append(make_node())
        return nodes[0]

    try:
        rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
        return _spin(make, stop)
    except RCLError as error:
        # A wrong enclave, QoS override or remapping: the middleware says what it misses.
        print(f"denseba: ROS 2 refuses: {error}", file=sys.stderr)
        return _WRONG_INPUT
    finally:
        rclpy.try_shutdown()


def _must_save(nodes: list[ManagedNode[Any]]) -> bool:
    return any(node.must_save for node in nodes)


def _spin(make_node: Callable[[], ManagedNode[Any]], stop: threading.Event) -> int:
    try:
        node = make_node()
        node.autostart(goes_on=lambda: not stop.is_set())
    except DensebaError as error:
        return _report(error)
    executor = _make_executor()
    executor.add_node(node)
    try:
        while not stop.is_set() and node.failure is None and not node.is_finalized:
            executor.spin_once(timeout_sec=_SPIN_SECONDS)
    finally:
        is_idle = node.close(_SAVING_CLOSE_SECONDS if node.must_save else _CLOSE_SECONDS)
        failure = node.failure
        status = 0 if failure is None else _report(failure)
        if not is_idle:
            # An image is still being worked on, in compiled code that no signal reaches.
            leave_now(status)
        executor.shutdown()
        node.destroy_node()
    return status


def _make_executor() -> Executor:
    """rclpy's executor of events where there is one (from Jazzy on): the other builds its wait set
    anew for each message and so holds the interpreter's lock for a sixth of the time, live."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    executor: Executor = EventsExecutor()
    return executor


def _report(failure: Exception) -> int:
    if isinstance(failure, DensebaError):
        print(f"denseba: {failure}", file=sys.stderr)
        return _WRONG_INPUT
    traceback.print_exception(failure)
    return _BUG
