"""backend_node, the second of two processes: the frontend's frames in, odometry, TF, depth out.

A frame takes the way of ``denseba_node``'s images, from ``FrontendInput`` on; step 3 is
``FrameProcessor.process``. ``DepthRequests`` gets the depth of the few that become keyframes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from denseba_ros.config import Config
from denseba_ros.frontend.depth.constant_depth import ConstantDepth
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.base.estimate_io import EstimateIO, Receive
from denseba_ros.nodes.base.image_processor import MissingInputError
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.conversions.frontend_messages import frame_from_messages
from denseba_ros.nodes.inputs.depth_requests import DepthRequests
from denseba_ros.nodes.inputs.frontend_input import FrontendInput, ReceivedFrame
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.warm_up import warmed_up_backend


class FrameSystem(KeyframeSource, Protocol):
    """What the node needs of ``slam.System``."""

    is_behind: bool
    """Whether images wait, set before each."""

    def process_frame(self, frame: FrontendFrame) -> Estimate:
        """Estimate the pose of a frame; later stamps come later."""
        ...

    def reset(self) -> None:
        """Forget the map and the trajectory."""

    def reconfigure(self, config: Config) -> None:
        """Take over what may change while running."""


class FrameProcessor:
    """One ``System`` between the frontend's topics and the outputs; see ``ImageProcessor``.

    Raises:
        ConfigurationError: when the system or an output cannot work on this machine.
    """

    def __init__(
        self, node: ManagedNode[Any], make_system: Callable[[Config, bool], FrameSystem]
    ) -> None:
        self._config, self._health, self._device = node.config, node.health, node.device

        def on_incomplete(stamp_ns: int) -> None:
            node.pipeline.receive_incomplete(stamp_ns, "frontend message lost")

        models = node.config.frontend
        nothing_known = ConstantDepth(models.constant_depth, models.constant_sigma)

        def make_input(receive: Receive) -> FrontendInput:
            depth = DepthRequests(node, nothing_known, node.throttled)
            return FrontendInput(node, receive, on_incomplete, depth, node.throttled)

        self.io = EstimateIO(node, make_input)
        self._system = make_system(node.config, node.settings.mapping == "live")
        self._calibration: Calibration | None = None

    def subscribe(self) -> None:
        """Subscribe to the frontend."""
        self.io.subscribe()

    def unsubscribe(self) -> None:
        """Wait for no depth any more."""
        if self.io.input is not None:
            self.io.input.depth.close()

    def is_ready(self) -> bool:
        """Whether the extrinsics of the camera are known, and a frontend gives depth."""
        return self.io.is_ready()

    def process(self, item: ReceivedFrame) -> None:
        """Estimate the pose of a frame and publish it.

        Raises:
            MissingInputError: when it is not known where its camera sits.
            ImageError, CalibrationError, TrajectoryError: when its messages hold no frame.
        """
        frontend, mount = self.io.input, self.io.mount_of(item.frame_id)
        if frontend is None or mount is None:
            raise MissingInputError(f"no TF to {item.frame_id}")
        started_at = time.perf_counter()
        depth_of = partial(frontend.depth.prior, item.stamp_ns, item.frame_id)
        frame = frame_from_messages(item.messages, self._device, depth_of)
        if self._calibration not in (None, frame.calibration):
            self.reset()
            self._health.reset()
        self._calibration = frame.calibration
        self.io.processing(item)
        self._system.reconfigure(self.io.without_unheard_depth(self._config))
        self._system.is_behind = self.io.is_behind
        estimate = self._system.process_frame(frame)
        self.io.publish(estimate, self._system, mount, item.frame_id, started_at)

    def reset(self) -> None:
        """Forget the map and the trajectory."""
        self._system.reset()
        self.io.outputs.reset()

    def coast(self, stamp_ns: int) -> None:
        """Publish odometry for a frame that was unusable."""
        self.io.coast(stamp_ns)

    def reconfigure(self, config: Config, settings: NodeConfig) -> None:
        """Take over changed parameters; the system gets them with the next frame."""
        self._config = config
        self.io.reconfigure(settings)

    def watch(self) -> None:
        """Warn about missing inputs."""
        self.io.watch()


class BackendNode(ManagedNode[FrameProcessor]):
    """``make_system`` gives the System at each configure: of a configuration, live or in lockstep.

    Raises:
        ConfigurationError: when a parameter is unknown or wrong.
    """

    def __init__(
        self,
        make_system: Callable[[Config, bool], FrameSystem] = warmed_up_backend,
        **node_options: Any,
    ) -> None:
        super().__init__(
            "denseba_backend",
            lambda node: FrameProcessor(node, make_system),
            **node_options,
        )
