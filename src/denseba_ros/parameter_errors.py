"""What is wrong with parameters, in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

_WHAT_IT_SAYS = "Input should "


def in_words(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """Every wrong parameter of ``model`` with its value and what it must be; no pydantic text.

    ``prefix`` comes before each name: ``node.``.
    """
    names = [prefix + name for name in _names(model)]
    return "; ".join(_one(dict(one), names, prefix) for one in error.errors())


def _one(error: dict[str, Any], names: list[str], prefix: str) -> str:
    place = [str(part) for part in error["loc"]]
    # Of a tuple the place is its value's index.
    name = prefix + ".".join(part for part in place if not part.isdigit())
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, names, n=1)
        return f"there is no parameter {name}" + (f"; did you mean {near[0]}?" if near else "")
    if error["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"{name or 'the file'} must be a section of parameters, not {error['input']!r}"
    if error["type"] == "value_error":
        return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    if error["type"] == "missing":
        return f"{name} is missing a value"
    must = error["msg"].removeprefix(_WHAT_IT_SAYS)
    return f"{name} is {error['input']!r}, but must {must}"


def _names(model: type[BaseModel], section: str = "") -> Iterator[str]:
    """The dotted names of all parameters of a model."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _names(kind, f"{section}{name}.")
        else:
            yield section + name
