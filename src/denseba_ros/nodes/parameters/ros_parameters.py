"""ROS parameters, generated from the models of the configuration so that the two cannot differ."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_origin

from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.nodes.parameters.parameter_fields import bounds, constraints, parameter_fields

_FOREIGN_PREFIXES = ("qos_overrides.", "use_sim_time", "start_type_description_service")


def declare_parameters(node: Node) -> tuple[Config, NodeConfig]:
    """Declare all parameters on ``node`` and read them.

    Raises:
        ConfigurationError: with the reason, on an unknown name, a wrong type or range.
    """
    fields = parameter_fields()
    _refuse_unknown(getattr(node, "_parameter_overrides", {}), fields)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        try:
            declared = node.declare_parameter(name, _ros_value(field.default), descriptor(field))
        except ParameterException as error:
            raise ConfigurationError(f"parameter {name}: {error}") from error
        values[name] = declared.value
    return models_from_values(values)


def models_from_values(values: Mapping[str, Any]) -> tuple[Config, NodeConfig]:
    """Both models from the values of all parameters by their dotted names.

    Raises:
        ConfigurationError: with the name and the reason of every wrong value.
    """
    nested: dict[str, Any] = {}
    for name, value in values.items():
        _insert(nested, name.split("."), value)
    node_values = nested.pop("node")
    return Config.from_dict(nested), NodeConfig.from_dict(node_values)


def descriptor(field: FieldInfo) -> ParameterDescriptor:
    """Description, range and allowed values of one parameter, as ``ros2 param describe`` shows."""
    result = ParameterDescriptor(
        description=field.description or "",
        # Lets a file say 5 where 5.0 is meant; the models check the type.
        dynamic_typing=field.annotation is float or get_origin(field.annotation) is tuple,
    )
    low, high = bounds(field)
    if field.annotation is int and (low is not None or high is not None):
        largest = 2**31 - 1
        result.integer_range = [
            IntegerRange(
                from_value=-largest if low is None else int(low),
                to_value=largest if high is None else int(high),
                step=1,
            )
        ]
    if field.annotation is float and low is not None and high is not None:
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    result.additional_constraints = constraints(field)
    return result


def _ros_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _insert(values: dict[str, Any], path: list[str], value: Any) -> None:
    for section in path[:-1]:
        values = values.setdefault(section, {})
    values[path[-1]] = value


def _refuse_unknown(overrides: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """ROS ignores a parameter that nobody declared; a misspelt one should not pass silently."""
    for name in overrides:
        if name in fields or name.startswith(_FOREIGN_PREFIXES):
            continue
        near = difflib.get_close_matches(name, fields, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"there is no parameter {name!r}{hint}")
