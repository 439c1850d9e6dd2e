"""backend_node, the second of two processes: the frontend's frames in, odometry, TF, depth out.

A frame takes the way of ``denseba_node``'s images, from ``FrontendInput`` on.
``DepthRequests`` gets the depth of the few that become keyframes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from denseba_ros.config import TOPIC, Config
from denseba_ros.frontend.depth.constant_depth import ConstantDepth
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.nodes.base.estimate_io import Receive
from denseba_ros.nodes.base.estimate_processor import Decoded, EstimateProcessor, EstimateSystem
from denseba_ros.nodes.base.managed_node import ManagedNode
from denseba_ros.nodes.conversions.frontend_messages import frame_from_messages
from denseba_ros.nodes.inputs.depth_requests import DepthRequests
from denseba_ros.nodes.inputs.frontend_input import FrontendInput, ReceivedFrame
from denseba_ros.nodes.map.map_services import MapServices
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.warm_up import warmed_up_backend


class FrameSystem(EstimateSystem, Protocol):
    """What the node needs of ``slam.System``."""

    def process_frame(self, frame: FrontendFrame) -> Estimate:
        """Estimate the pose of a frame; later stamps come later."""
        ...


FrameProcessor = EstimateProcessor[FrameSystem, FrontendInput, ReceivedFrame]


def make_frame_processor(
    node: ManagedNode[Any], make_system: Callable[[Config, bool], FrameSystem]
) -> FrameProcessor:
    """One ``System`` between the frontend's topics and the outputs.

    Raises:
        ConfigurationError: when the system or an output cannot work on this machine.
    """
    models, device = node.config.frontend, node.device
    node.pipeline.trust_stamps()  # the frontend has judged them
    nothing_known = ConstantDepth(models.constant_depth, models.constant_sigma)

    def on_incomplete(stamp_ns: int) -> None:
        node.pipeline.receive_incomplete(stamp_ns, "frontend message lost")

    def make_input(receive: Receive) -> FrontendInput:
        is_measured = models.depth_model == TOPIC
        depth = DepthRequests(node, nothing_known, node.throttled, is_measured=is_measured)
        return FrontendInput(node, receive, on_incomplete, depth, node.throttled)

    def decode(system: FrameSystem, frontend: FrontendInput, item: ReceivedFrame) -> Decoded:
        depth_of = partial(frontend.depth.prior, item.stamp_ns, item.frame_id)
        frame = frame_from_messages(item.messages, device, depth_of)
        estimate = partial(system.process_frame, frame)
        return Decoded(frame.calibration, estimate, frame.grey)

    return EstimateProcessor(node, make_system, make_input, decode)


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
            lambda node: make_frame_processor(node, make_system),
            **node_options,
        )
        MapServices(self, lambda: None if self.processor is None else self.processor.map_keeper)
