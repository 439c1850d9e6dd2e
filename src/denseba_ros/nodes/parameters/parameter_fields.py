"""Every parameter by name, read off the models of the configuration. Needs no ROS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from denseba_ros.config import Config
from denseba_ros.nodes.parameters.node_config import NodeConfig

_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >="}


def parameter_fields() -> dict[str, FieldInfo]:
    """Every parameter by its dotted name: the core's, then the node's under ``node.``."""
    return {
        **dict(_flat_fields(Config)),
        **{f"node.{name}": field for name, field in _flat_fields(NodeConfig)},
    }


def _flat_fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _flat_fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def is_live(field: FieldInfo) -> bool:
    """Whether the parameter may change while the node runs."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("live"))


def is_fixed(field: FieldInfo) -> bool:
    """Whether the parameter holds from the start of the process to its end."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("fixed"))


def bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """Smallest and largest value, None where there is none; exclusive bounds count as well."""
    low = high = None
    for constraint in field.metadata:
        low = getattr(constraint, "ge", getattr(constraint, "gt", low))
        high = getattr(constraint, "le", getattr(constraint, "lt", high))
    return low, high


def constraints(field: FieldInfo) -> str:
    """Range and allowed values in words, empty when there are none."""
    kind = field.annotation
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    texts = [_bound_in_words(constraint) for constraint in field.metadata]
    if get_origin(kind) is Literal:
        texts.append("one of " + ", ".join(str(value) for value in get_args(kind)))
    if is_live(field):
        texts.append("may change while it runs")
    return "; ".join(text for text in texts if text)


def _bound_in_words(constraint: Any) -> str:
    words = (
        f"{sign} {getattr(constraint, k)}" for k, sign in _SIGNS.items() if hasattr(constraint, k)
    )
    return ", ".join(words)
