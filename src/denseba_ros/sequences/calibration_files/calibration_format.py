"""What every module of a format gives: how its content is recognised, and its cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document

Cameras = dict[str, Callable[[], Calibration]]
"""The cameras of a file by name, read when they are called."""

_DEEPEST = 4


@dataclass(frozen=True)
class CalibrationFormat:
    """A format: its name in messages, how to recognise it, and its cameras.

    ``ask`` says, for a content with several cameras, why none of them is right by itself;
    empty where the first is.
    """

    name: str
    recognise: Callable[[CalibrationText], bool]
    cameras: Callable[[CalibrationText], Cameras]
    ask: Callable[[CalibrationText], str] = lambda content: ""


def cameras_in(
    content: CalibrationText, is_camera: Callable[[Document], bool]
) -> Iterator[tuple[str, Document]]:
    """The outermost mappings of the content, at any depth, that are a camera, with their path.

    An inner mapping has the entries of the outer ones too, as sizes and models often lie there.
    """
    for document in content.documents:
        found: list[str] = []
        for path, mapping in _nested(document, "", 0):
            inside = any(p == "" or path.startswith(f"{p}.") for p in found)
            if not inside and is_camera(mapping):
                found.append(path)
                yield path or "camera", mapping


def _nested(document: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, Document]]:
    yield path, document
    if depth == _DEEPEST:
        return
    outer = {k: v for k, v in document.items() if not isinstance(v, Mapping)}
    for key, value in document.items():
        entries = value if isinstance(value, list) else [value]
        for index, entry in enumerate(entries[:_DEEPEST]):
            if isinstance(entry, Mapping):
                name = str(key) if len(entries) == 1 else f"{key}{index}"
                inner = {k: v for k, v in outer.items() if v is not value} | dict(entry)
                yield from _nested(inner, f"{path}.{name}".strip("."), depth + 1)
