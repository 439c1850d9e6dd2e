"""ROS parameters, generated from the models of the configuration so that the two cannot differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_origin

from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.nodes.parameters.parameter_fields import bounds, constraints, parameter_fields

_STANDARD_PREFIXES = ("qos_overrides.", "use_sim_time", "start_type_description_service")
# How alike (difflib's ratio) a misspelt name is. Other nodes' top-level names are often like ours:
# device_id is no misspelt device.
_SECTION_CUTOFF, _TOP_LEVEL_CUTOFF = 0.6, 0.85


def declare_parameters(node: Node) -> tuple[Config, NodeConfig]:
    """Declare all parameters on ``node`` and read them.

    Raises:
        ConfigurationError: with the reason, on a misspelt name, a wrong type or range.
    """
    fields = parameter_fields()
    foreign = foreign_names(getattr(node, "_parameter_overrides", {}), fields)
    if foreign:
        node.get_logger().warning(
            f"ignored, as they are no parameters of this node: {', '.join(foreign)}"
        )
    values: dict[str, Any] = {}
    for name, field in fields.items():
        try:
            declared = node.declare_parameter(name, _ros_value(field.default), descriptor(field))
        except ParameterException as error:
            raise ConfigurationError(f"parameter {name}: {error}") from error
        values[name] = declared.value
    return models_from_values(values)


def declared_models(node: Node) -> tuple[Config, NodeConfig]:
    """Both models as the parameters of ``node`` are now, once they were declared."""
    return models_from_values({name: node.get_parameter(name).value for name in parameter_fields()})


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


def foreign_names(names: Iterable[str], ours: Iterable[str]) -> list[str]:
    """Those of ``names`` that nobody here declares: a file with ``/**`` is for all nodes.

    Raises:
        ConfigurationError: on a name that is nearly one of ``ours`` in the same section; ROS would
            ignore a misspelt parameter silently.
    """
    known = sorted(ours)
    foreign = [n for n in names if n not in known and not n.startswith(_STANDARD_PREFIXES)]
    for name in foreign:
        near = _nearest(name, known)
        if near is not None:
            raise ConfigurationError(f"there is no parameter {name!r}; did you mean {near!r}?")
    return foreign


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """The parameter of the same section that a name may be a misspelling of."""
    section, dot, rest = name.partition(".")
    if dot:
        start = section + dot
        cutoff = _SECTION_CUTOFF
    else:
        start, rest, cutoff = "", name, _TOP_LEVEL_CUTOFF
    rests = [k.removeprefix(start) for k in known if k.startswith(start) and (dot or "." not in k)]
    near = difflib.get_close_matches(rest, rests, n=1, cutoff=cutoff)
    return start + near[0] if near else None
