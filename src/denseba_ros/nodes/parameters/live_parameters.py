"""Parameters that change while a node runs: checked together, refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.nodes.parameters.parameter_fields import is_fixed, is_live, parameter_fields
from denseba_ros.nodes.parameters.ros_parameters import models_from_values


class LiveParameters:
    """Answers every request to set parameters after they were declared.

    What is marked ``live`` changes at once; the rest only while ``is_unconfigured`` says that the
    node is. ``on_change`` is called with both models after values were taken over.
    """

    def __init__(
        self,
        node: Node,
        is_unconfigured: Callable[[], bool],
        on_change: Callable[[Config, NodeConfig], None],
    ) -> None:
        self._node, self._is_unconfigured, self._on_change = node, is_unconfigured, on_change
        self._fields = parameter_fields()
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._take_over)

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        ours = [p for p in parameters if p.name in self._fields]
        for parameter in ours:
            if is_fixed(self._fields[parameter.name]):
                reason = f"{parameter.name} is given at the start of the process alone"
                return SetParametersResult(successful=False, reason=reason)
        if not self._is_unconfigured():
            for parameter in ours:
                if not is_live(self._fields[parameter.name]):
                    reason = (
                        f"{parameter.name} holds from configure to cleanup: change it while the "
                        "node is unconfigured, or at the start"
                    )
                    return SetParametersResult(successful=False, reason=reason)
        try:
            models_from_values({**self._values(), **{p.name: p.value for p in ours}})
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take_over(self, parameters: list[Parameter]) -> None:
        if any(parameter.name in self._fields for parameter in parameters):
            self._on_change(*models_from_values(self._values()))

    def _values(self) -> dict[str, Any]:
        return {name: self._node.get_parameter(name).value for name in self._fields}
