"""Options that are fields of a dataclass: name, type and default come from the field."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from denseba_ros.cli.options.kinds import Parser, option_name

Settings = TypeVar("Settings")


def add_settings(
    parser: Parser,
    settings: type,
    /,
    **help_texts: str,
) -> None:
    """Add an option for each field of the dataclass ``settings`` that has a help text.

    ``photometric_scales`` becomes ``--photometric-scales``; a bool, which must be False by default,
    becomes a switch.
    """
    by_name = {field.name: field for field in fields(settings)}
    types = get_type_hints(settings)
    for name, help_text in help_texts.items():
        how = _how_to_read(types[name], by_name[name])
        parser.add_argument(option_name(name), help=help_text, **how)


def settings_from(args: argparse.Namespace, settings: type[Settings], /, **others: Any) -> Settings:
    """The dataclass: each field from the option of its name, where there is one, or ``others``."""
    given = {
        field.name: _as_field(getattr(args, field.name))
        for field in fields(settings)  # type: ignore[arg-type]
        if hasattr(args, field.name)
    }
    return settings(**{**given, **others})


def _how_to_read(kind: Any, field: Field[Any]) -> dict[str, Any]:
    """Further arguments of ``add_argument`` for a field with the type ``kind``."""
    assert field.default is not MISSING, field.name
    if kind is bool:
        assert field.default is False, field.name
        return {"action": "store_true"}
    if get_origin(kind) is Literal:
        return {"choices": get_args(kind), "default": field.default}
    if get_origin(kind) is tuple:
        values = get_args(kind)
        return {**_placeholder(values[0]), "nargs": len(values), "default": field.default}
    return {**_placeholder(kind), "default": field.default}


def _placeholder(kind: type) -> dict[str, Any]:
    """The type of one value, and N or X where it is a number."""
    placeholders = {int: "N", float: "X"}
    return {"type": kind, "metavar": placeholders.get(kind)}


def _as_field(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
