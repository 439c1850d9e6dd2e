"""What the three nodes share: a queue, a worker, counted drops, services and diagnostics."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, Protocol, TypeVar

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from denseba_ros.device import pick_device
from denseba_ros.errors import CalibrationError, ImageError, TrajectoryError
from denseba_ros.nodes.complaints import Complaints
from denseba_ros.nodes.controls import Controls
from denseba_ros.nodes.diagnostics import DiagnosticsPublisher
from denseba_ros.nodes.health import Health
from denseba_ros.nodes.outputs import StatusOutput
from denseba_ros.nodes.parameters import declare_parameters
from denseba_ros.nodes.stamp_guard import StampGuard, StampVerdict
from denseba_ros.nodes.worker import Worker

_GATE_PERIOD = 0.2
_WATCH_PERIOD = 1.0


class Stamped(Protocol):
    """Anything that waits in the queue."""

    @property
    def stamp_ns(self) -> int: ...


T = TypeVar("T", bound=Stamped)


class WorkingNode(Node, Generic[T]):
    """Takes items from callbacks, works through them in a thread of its own.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong, or its device is not there.
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.config, self.settings = declare_parameters(self)
        self.health = Health()
        self.status = StatusOutput(self)
        self.controls = Controls(self, self.health)
        self.complaints = Complaints(self.get_logger().warning)
        self.failure: Exception | None = None
        self._guard = StampGuard()
        self.device = pick_device(self.config.device)
        facts = {"model": self.config.frontend.depth_model, "device": str(self.device)}
        self._diagnostics = DiagnosticsPublisher(self, self.health, facts)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._gate_timer = self.create_timer(_GATE_PERIOD, self.try_open, clock=steady)
        self._watch_timer = self.create_timer(_WATCH_PERIOD, self.watch, clock=steady)
        self.worker: Worker[T] = Worker(self.settings.queue_size, self._work, self._fail)

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether all that processing needs is there; until then items wait in the queue."""

    @abstractmethod
    def process(self, item: T) -> None:
        """Work on one item, in the worker's thread; a DensebaError about it drops it."""

    @abstractmethod
    def restart(self) -> None:
        """Forget everything, in the worker's thread."""

    @abstractmethod
    def watch(self) -> None:
        """Complain about missing inputs, once a second."""

    def receive(self, item: T) -> None:
        """Queue an item that arrived; the oldest goes when there are too many."""
        self.health.received()
        if self.controls.paused:
            self.drop(item.stamp_ns, "paused")
            return
        oldest = self.worker.queue.put(item)
        if oldest is not None:
            is_open = self.worker.queue.is_open
            self.drop(oldest.stamp_ns, "too slow" if is_open else "inputs incomplete")
        self.try_open()

    def drop(self, stamp_ns: int, reason: str) -> None:
        """Count and report an image that is not processed."""
        self.health.dropped(reason)
        self.status.dropped(stamp_ns, reason)

    def images_lost(self, count: int) -> None:
        """Count images that never arrived."""
        self.health.dropped("lost on the way", count)

    def try_open(self) -> None:
        """Let the worker begin as soon as nothing is missing."""
        if not self.worker.queue.is_open and self.is_ready():
            self._gate_timer.cancel()
            self.worker.queue.open()

    def close(self) -> None:
        """Stop the worker; the node publishes nothing more."""
        self.worker.close()

    def _work(self, item: T) -> None:
        if self.controls.take_reset():
            self._restart("reset by service")
            self._guard.reset()
        verdict = self._guard.check(item.stamp_ns)
        if verdict in (StampVerdict.DUPLICATE, StampVerdict.BACKWARDS):
            self.complaints.complain(
                verdict.value,
                f"image dropped: {verdict.value} ({item.stamp_ns} ns). Do two cameras publish on "
                "this topic, or does the driver not set stamps?",
            )
            self.drop(item.stamp_ns, verdict.value)
            return
        if verdict is StampVerdict.RESTART:
            self._restart("time jumped back by more than 1 s")
        try:
            self.process(item)
        except (ImageError, CalibrationError, TrajectoryError) as error:
            self.complaints.complain("bad image", f"image dropped: {error}")
            self.drop(item.stamp_ns, "bad image")

    def _restart(self, why: str) -> None:
        self.get_logger().warning(f"{why}: a new odometry frame starts with the next image")
        self.restart()
        self.health.reset()

    def _fail(self, error: Exception) -> None:
        self.failure = error
