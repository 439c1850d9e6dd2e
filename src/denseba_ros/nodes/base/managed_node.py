"""The lifecycle of the three nodes; what they do with images is in an ``ImageProcessor``."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch
from rclpy.clock import Clock, ClockType
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.errors import DensebaError
from denseba_ros.nodes.base.control_services import ControlServices
from denseba_ros.nodes.base.image_pipeline import ImagePipeline
from denseba_ros.nodes.base.image_processor import ImageProcessor
from denseba_ros.nodes.base.node_resources import NodeResources
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.outputs.diagnostics import DiagnosticsPublisher
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.nodes.outputs.status_output import StatusOutput
from denseba_ros.nodes.parameters.live_parameters import LiveParameters
from denseba_ros.nodes.parameters.model_paths import with_confined_models
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.nodes.parameters.ros_parameters import declare_parameters

if TYPE_CHECKING:
    from typing_extensions import Self

RCLError = rclpy_implementation.RCLError
_READY_PERIOD = 0.2
_WATCH_PERIOD = 1.0
_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE

ProcessorT = TypeVar("ProcessorT", bound=ImageProcessor[Any])


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


class ManagedNode(LifecycleNode, Generic[ProcessorT]):
    """A managed node around an ``ImagePipeline`` and a processor.

    configure makes the processor (outputs, models), activate subscribes and starts the pipeline,
    deactivate stops it and keeps the map, cleanup gives everything back. ``make_processor`` gets
    this node; a DensebaError of it refuses the transition. ``processor`` is None while
    unconfigured.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong.
    """

    def __init__(
        self, name: str, make_processor: Callable[[Self], ProcessorT], **node_options: Any
    ) -> None:
        super().__init__(name, **node_options)
        self.config, self.settings = declare_parameters(self)
        self.device = torch.device("cpu")
        self.health = Health()
        self.health.lifecycle = "unconfigured"
        self.throttled = ThrottledLogger(self.get_logger().warning)
        self.pipeline = ImagePipeline[Any](self.health, self.get_logger(), self.throttled)
        self.processor: ProcessorT | None = None
        self.is_finalized = False
        self._make_processor = make_processor
        self._configure_error: Exception | None = None
        self._controls = ControlServices(self, self.health, self.pipeline.request_session)
        self._diagnostics = DiagnosticsPublisher(self, self.health)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._ready_timer = self.create_timer(_READY_PERIOD, self._open_if_ready, clock=steady)
        self._watch_timer = self.create_timer(_WATCH_PERIOD, self._watch, clock=steady)
        self._live = LiveParameters(self, self._is_unconfigured, self._reconfigure)
        self._configured = self._activated = NodeResources(self)
        refuse_wrong_transitions(self)

    @property
    def failure(self) -> Exception | None:
        """The bug that ended the worker, None while all is well."""
        return self.pipeline.failure

    def autostart(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Configure and activate where ``node.autostart`` says so.

        ``goes_on`` is asked after the former, which takes seconds, whether the latter is wanted.

        Raises:
            DensebaError: when the configuration does not work on this machine.
        """
        if not self.settings.autostart:
            return
        if self.trigger_configure() != _SUCCESS:
            raise self._configure_error or DensebaError("the node could not be configured")
        if goes_on():
            self.trigger_activate()

    @property
    def must_save(self) -> bool:
        """Whether ``close`` writes something that would be lost without."""
        return self.processor is not None and self.processor.must_save

    def close(self, timeout: float = 10.0) -> bool:
        """End the worker; whether it ended within ``timeout`` seconds."""
        self._unsubscribe()
        has_ended = self.pipeline.close(timeout)
        if self.processor is not None:
            self.processor.close()
        return has_ended

    def report_values(
        self,
        values: Sequence[Callable[[], Mapping[str, str]]],
        problem: Callable[[], str] | None = None,
    ) -> None:
        """From now on let each of ``values`` give more keys and values for each diagnostics
        message, and ``problem`` what else needs attention."""
        self._diagnostics.values, self._diagnostics.problem = values, problem

    # -- transitions ---------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the outputs and load what is large; FAILURE where the configuration is wrong."""
        self._configured = NodeResources(self)
        self.get_logger().info(f"{self.get_name()} is configuring")
        try:
            self.device = pick_device(self.config.device)
            self.config = with_confined_models(self.config, self.settings)
            self.status = StatusOutput(self)
            self.processor = self._make_processor(self)
        except Exception as error:
            # rclpy would swallow it without a word.
            is_bug = not isinstance(error, DensebaError)
            text = "".join(traceback.format_exception(error)) if is_bug else str(error)
            self.get_logger().error(f"cannot configure: {text}")
            self._configure_error = error
            self._free()
            return TransitionCallbackReturn.ERROR if is_bug else _FAILURE
        models = self.config.frontend
        self._diagnostics.facts = {
            "model": models.depth_model,
            "pose model": models.pose_model,
            "device": str(self.device),
        }
        self._report("inactive")
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start the worker, then subscribe."""
        self._activated = NodeResources(self)
        if self.processor is not None:
            self.pipeline.start(
                self.processor,
                self.settings.queue_size,
                self.status.dropped,
                self.status.held,
                self.settings.longest_wait,
            )
            self.processor.subscribe()
        self._ready_timer.reset()
        self._report("active")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and stop the worker; the map stays, and is written to its file."""
        self._stop()
        if self.processor is not None:
            self.processor.save()
        self._report("inactive")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give outputs, models and map back."""
        self._free()
        self._report("unconfigured")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and give everything back, from whatever state."""
        self._stop()
        self._free()
        self._report("finalized")
        self.is_finalized = True
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a bug in a transition: back to unconfigured."""
        self._stop()
        self._free()
        self._report("unconfigured")
        return _SUCCESS

    def _unsubscribe(self) -> None:
        """Leave the worker nothing to wait for but its own work."""
        if self.processor is not None and self.pipeline.is_running:
            self.processor.unsubscribe()

    def _stop(self) -> None:
        self._unsubscribe()
        self._activated.destroy()
        self.pipeline.stop()

    def _free(self) -> None:
        if self.processor is not None:
            self.processor.close()
        self.processor = None
        self._configured.destroy()
        self.pipeline.reset_stamps()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _report(self, state: str) -> None:
        self.health.lifecycle = state
        self.get_logger().info(f"{self.get_name()} is {state}")

    # -- timers and parameters -----------------------------------------------------------------

    def _open_if_ready(self) -> None:
        """Ask again until the inputs are complete: some of them arrive without a message to us."""
        self.pipeline.open_if_ready()
        if self.pipeline.is_open:
            self._ready_timer.cancel()

    def _watch(self) -> None:
        if self.processor is not None and self.pipeline.is_running:
            self.processor.watch()

    def _is_unconfigured(self) -> bool:
        return self.health.lifecycle == "unconfigured"

    def _reconfigure(self, config: Config, settings: NodeConfig) -> None:
        self.config, self.settings = config, settings
        if self.processor is not None:
            self.processor.reconfigure(config, settings)
