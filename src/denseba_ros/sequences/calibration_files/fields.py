"""Numbers out of parsed YAML and JSON, in which any value may be anything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from denseba_ros.errors import CalibrationError

_MOST_NUMBERS = 64


def number(value: Any, name: str) -> float:
    """``value`` as a finite number.

    Raises:
        CalibrationError: with ``name``, when it is none.
    """
    try:
        if isinstance(value, bool | list | dict) or value is None:
            raise ValueError
        result = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise CalibrationError(f"{name} is no number{_shown(value)}") from error
    if not math.isfinite(result):
        raise CalibrationError(f"{name} is {result}, not a finite number")
    return result


def numbers(value: Any, name: str) -> list[float]:
    """The numbers of a list, of rows of numbers, of a matrix with ``data``, or of one text.

    Raises:
        CalibrationError: with ``name``, when there is anything else.
    """
    if isinstance(value, Mapping):
        if "data" not in value:
            raise CalibrationError(f"{name} has no data")
        value = value["data"]
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, Sequence):
        value = [value]
    return [number(item, name) for item in _flat(value, name)]


def whole(value: Any, name: str) -> int:
    """``value`` as a whole number.

    Raises:
        CalibrationError: with ``name``, when it is none.
    """
    result = number(value, name)
    if result != int(result):
        raise CalibrationError(f"{name} is {result}, not a whole number")
    return int(result)


def item(document: Mapping[str, Any], key: str) -> Any:
    """The value of ``key``.

    Raises:
        CalibrationError: when it is not there.
    """
    if key not in document:
        raise CalibrationError(f"{key} is missing")
    return document[key]


def first_key(document: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first key of the document that is one of ``names``, without case, "-" and "_"."""
    by_name = {_plain(key): key for key in reversed(list(document)) if isinstance(key, str)}
    return next((by_name[_plain(name)] for name in names if _plain(name) in by_name), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _flat(value: Any, name: str, depth: int = 0) -> Iterator[Any]:
    if depth > 2 or len(value) > _MOST_NUMBERS:
        raise CalibrationError(f"{name} is no list of a few numbers")
    for element in value:
        if isinstance(element, list):
            yield from _flat(element, name, depth + 1)
        else:
            yield element


def _shown(value: Any) -> str:
    return f": {value[:40]!r}" if isinstance(value, str) else ""
