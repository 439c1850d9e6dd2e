"""What the three nodes share: lifecycle, a queue, a worker, counted drops and diagnostics."""

from __future__ import annotations

import gc
import re
import time
import traceback
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from rclpy.clock import Clock, ClockType
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.errors import CalibrationError, DensebaError, ImageError, TrajectoryError
from denseba_ros.nodes.base.controls import Controls
from denseba_ros.nodes.base.entities import Entities
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.base.worker import Worker
from denseba_ros.nodes.inputs.timestamp_monitor import TimestampMonitor, TimestampVerdict
from denseba_ros.nodes.outputs.diagnostics import DiagnosticsPublisher
from denseba_ros.nodes.outputs.estimate_outputs import StatusOutput
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.parameters.live_parameters import LiveParameters
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.nodes.parameters.ros_parameters import declare_parameters
from denseba_ros.resources import confined, share_file

RCLError = rclpy_implementation.RCLError
_GATE_PERIOD = 0.2
_WATCH_PERIOD = 1.0
# Images in a row that may fail by a bug before the node gives up.
_MAX_FAILURES = 3
_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Stamped(Protocol):
    """Anything that waits in the queue."""

    @property
    def stamp_ns(self) -> int: ...


T = TypeVar("T", bound=Stamped)


@dataclass(frozen=True)
class Arrived(Generic[T]):
    """An item with the monotonic time at which it came; a higher epoch is a new odometry frame."""

    item: T
    at: float
    session: int

    @property
    def stamp_ns(self) -> int:
        return self.item.stamp_ns


def refuse_wrong_transitions(node: LifecycleNode) -> None:
    """Answer a transition that the state does not allow; rclpy alone would end the process."""
    service = node._service_change_state
    change = service.callback

    def change_or_refuse(request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except RCLError as error:
            node.get_logger().error(f"transition refused: {error}")
            response.success = False
            return response

    service.callback = change_or_refuse


class WorkingNode(LifecycleNode, Generic[T]):
    """A managed node that works through its inputs in a thread of its own.

    configure makes the outputs and loads what is large, activate subscribes and starts, deactivate
    stops and keeps the map, cleanup gives everything back. ``failure`` is a bug that ended it.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong.
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.config, self.settings = declare_parameters(self)
        self.health = Health()
        self.health.lifecycle = "unconfigured"
        self.controls = Controls(self, self.health)
        self.throttled = ThrottledLogger(self.get_logger().warning)
        self.failure: Exception | None = None
        self.worker: Worker[Arrived[T]] | None = None
        self.device = torch.device("cpu")
        self.is_finalized = False
        self._refusal: Exception | None = None
        self._failures = 0
        self._guard = TimestampMonitor()
        self._epoch = self._worked_session = 0
        self._session_reason = ""
        self._made = self._inputs = Entities(self)
        self._diagnostics = DiagnosticsPublisher(self, self.health)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._gate_timer = self.create_timer(_GATE_PERIOD, self.try_open, clock=steady)
        self._watch_timer = self.create_timer(_WATCH_PERIOD, self._watch, clock=steady)
        self._live = LiveParameters(self, self._is_idle, self._take_over)

        refuse_wrong_transitions(self)

    # -- what the nodes do ---------------------------------------------------------------------

    @abstractmethod
    def prepare(self) -> None:
        """Make the publishers and load what is large; DensebaError refuses the transition."""

    @abstractmethod
    def subscribe(self) -> None:
        """Make the subscriptions: items begin to come."""

    @abstractmethod
    def release(self) -> None:
        """Drop what ``prepare`` and the images made; publishers go by themselves."""

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
        """Complain about missing inputs, once a second while active."""

    def reconfigured(self) -> None:
        """``config`` or ``settings`` changed; only live fields while configured."""

    def missed(self, stamp_ns: int) -> None:
        """An image came that could not be used."""

    # -- lifecycle -----------------------------------------------------------------------------

    def autostart(self) -> None:
        """Configure and activate where ``node.autostart`` says so.

        Raises:
            DensebaError: when the configuration does not work on this machine.
        """
        if self.settings.autostart:
            if self.trigger_configure() != _SUCCESS:
                raise self._refusal or DensebaError("the node could not be configured")
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._made = Entities(self)
        try:
            self.device = pick_device(self.config.device)
            self._confine_models()
            self.status = StatusOutput(self)
            self.prepare()
        except Exception as error:
            # rclpy would swallow it without a word.
            is_bug = not isinstance(error, DensebaError)
            text = "".join(traceback.format_exception(error)) if is_bug else str(error)
            self.get_logger().error(f"cannot configure: {text}")
            self._refusal = error
            self._free()
            return TransitionCallbackReturn.ERROR if is_bug else _FAILURE
        models = self.config.frontend
        self._diagnostics.facts = {
            "model": models.depth_model,
            "pose model": models.pose_model,
            "device": str(self.device),
        }
        self._say("inactive")
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._inputs = Entities(self)
        self.worker = Worker(self.settings.queue_size, self._work, self._fail)
        self.subscribe()
        self._gate_timer.reset()
        self._say("active")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_work()
        self._say("inactive")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        self._say("unconfigured")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_work()
        self._free()
        self._say("finalized")
        self.is_finalized = True
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_work()
        self._free()
        self._say("unconfigured")
        return _SUCCESS

    def close(self, timeout: float = 10.0) -> bool:
        """Stop the worker; whether it ended within ``timeout`` seconds."""
        return self.worker is None or self.worker.close(timeout)

    def _confine_models(self) -> None:
        """Whoever may set parameters must not make the node read any file of the machine."""
        frontend, folder = self.config.frontend, self.settings.model_folder
        for field in ("depth_model", "pose_model"):
            name = getattr(frontend, field)
            if "/" in name or name.endswith(".safetensors"):
                below = Path(folder) if folder else share_file("models")
                path = confined(name, below, ".safetensors")
                frontend = frontend.model_copy(update={field: str(path)})
        self.config = self.config.model_copy(update={"frontend": frontend})

    def _say(self, state: str) -> None:
        self.health.lifecycle = state
        self.get_logger().info(f"{self.get_name()} is {state}")

    def _is_idle(self) -> bool:
        return self.health.lifecycle == "unconfigured"

    def _stop_work(self) -> None:
        """No more inputs; what waits is dropped, what is in hand is finished."""
        self._inputs.destroy()
        if self.worker is not None:
            self.worker.close()
            for left in self.worker.queue.clear():
                self.drop(left.stamp_ns, "deactivated")
            self.worker = None

    def _free(self) -> None:
        self.release()
        self._made.destroy()
        self._guard.reset()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _take_over(self, config: Config, settings: NodeConfig) -> None:
        self.config, self.settings = config, settings
        self.reconfigured()

    # -- work ----------------------------------------------------------------------------------

    def receive(self, item: T) -> None:
        """Queue an item that arrived; the oldest goes when there are too many."""
        self.health.received()
        if self.worker is None:
            return
        if self.controls.paused:
            self.drop(item.stamp_ns, "paused")
            return
        if not self._is_next(item.stamp_ns):
            return
        oldest = self.worker.queue.put(Arrived(item, time.monotonic(), self._epoch))
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
        if self.worker is not None and not self.worker.queue.is_open and self.is_ready():
            self._gate_timer.cancel()
            self.worker.queue.open()

    def _watch(self) -> None:
        if self.worker is not None:
            self.watch()

    def _is_next(self, stamp_ns: int) -> bool:
        """Judge the stamp of what arrived; False where it was dropped."""
        if self.controls.take_reset():
            self._begin_session("reset by service")
            self._guard.reset()
        verdict = self._guard.check(stamp_ns)
        if verdict in (TimestampVerdict.DUPLICATE, TimestampVerdict.BACKWARDS):
            self.throttled.warn(
                verdict.value,
                f"image dropped: {verdict.value} ({stamp_ns} ns). Do two cameras publish on "
                "this topic, or does the driver not set stamps?",
            )
            self.drop(stamp_ns, verdict.value)
            return False
        if verdict is TimestampVerdict.RESTART:
            self._begin_session("time jumped back by more than 1 s")
        if verdict is TimestampVerdict.GAP:
            self.health.gap()
            text = f"no image for {self._guard.gap_ns * 1e-9:.1f} s: going on from the last pose"
            self.throttled.warn("gap", text)
        return True

    def _begin_session(self, why: str) -> None:
        """What arrives from now on belongs to a new odometry frame."""
        self._epoch += 1
        self._session_reason = why

    def _work(self, arrived: Arrived[T]) -> None:
        item = arrived.item
        if arrived.session != self._worked_session:
            self._worked_session = arrived.session
            self._restart(self._session_reason)
        try:
            self.process(item)
        except (ImageError, CalibrationError, TrajectoryError) as error:
            kind = re.sub(r"\d+", "#", str(error))
            self.throttled.warn(kind, f"image dropped: {error}")
            self.drop(item.stamp_ns, "bad image")
            self.missed(item.stamp_ns)
        self.health.latency(time.monotonic() - arrived.at)
        self._failures = 0

    def _restart(self, why: str) -> None:
        self.get_logger().warning(f"{why}: a new odometry frame starts with the next image")
        self.restart()
        self.health.reset()

    def _fail(self, error: Exception) -> bool:
        """A bug or a failing device: start anew, but not for ever."""
        self._failures += 1
        if self._failures >= _MAX_FAILURES:
            self.failure = error
            return False
        trace = "".join(traceback.format_exception(error))
        self.get_logger().error(f"an image could not be processed, starting anew:\n{trace}")
        self.health.dropped("internal error")
        self._restart(f"internal error ({type(error).__name__})")
        return True
