"""The content of a calibration file, parsed as far as it is YAML, JSON or OpenCV's XML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import yaml

from denseba_ros.errors import CalibrationError

Document = Mapping[str, Any]

# OpenCV needs no blank after the colon of a key, YAML does.
_TIGHT_KEY = re.compile(r"^(\s*[A-Za-z_][\w.]*):(?=[-+.\d\"\[!])", re.MULTILINE)


@dataclass(frozen=True)
class CalibrationText:
    """A file's text, its documents that are mappings, and the (width, height) of the images.

    Scalars of YAML are text. ``broken`` says why the rest of the text is no YAML or JSON.
    """

    text: str
    size: tuple[int, int]
    documents: tuple[Document, ...] = ()
    broken: str = ""
    lines: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        rows = (line.split("#")[0].strip() for line in self.text.splitlines())
        object.__setattr__(self, "lines", tuple(row for row in rows if row))


def parse(text: str, size: tuple[int, int]) -> CalibrationText:
    """The documents of ``text``; broken ones after a whole one are left out."""
    start = text.lstrip()[:1]
    if start == "<":
        return _parsed(text, size, _xml(text))
    if start in ("{", "["):
        try:
            return _parsed(text, size, iter([json.loads(text)]))
        except (ValueError, RecursionError):
            pass  # a YAML file may begin so as well
    return _parsed(text, size, _yaml(text))


def _parsed(text: str, size: tuple[int, int], parsed: Iterator[Any]) -> CalibrationText:
    documents: list[Document] = []
    broken = ""
    try:
        for document in parsed:
            entries = document if isinstance(document, list) else [document]
            documents += [entry for entry in entries if isinstance(entry, Mapping)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        broken = "a line cannot be read" if mark is None else f"line {mark.line + 1} is broken"
    except CalibrationError as error:
        broken = str(error)
    except (yaml.YAMLError, ValueError, RecursionError):
        broken = "it cannot be read"
    return CalibrationText(text, size, tuple(documents), broken)


def _yaml(text: str) -> Iterator[Any]:
    # "%YAML:1.0" of OpenCV is no valid directive. OpenCV allows tabs.
    lines = [line for line in text.expandtabs().splitlines() if not line.startswith("%")]
    # The base loader makes nothing but text, lists and mappings, whatever the tags are.
    yield from yaml.load_all(_TIGHT_KEY.sub(r"\1: ", "\n".join(lines)), Loader=yaml.BaseLoader)


def _xml(text: str) -> Iterator[Any]:
    if "<opencv_storage>" not in text:
        raise CalibrationError("it is XML, but not of OpenCV")
    try:
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        root = storage.root()
        yield {key: _node(root.getNode(key)) for key in root.keys()}  # noqa: SIM118
    except (cv2.error, SystemError, UnicodeDecodeError) as error:
        raise CalibrationError("its XML is broken") from error


def _node(node: cv2.FileNode, depth: int = 0) -> Any:
    if depth > 8:
        raise CalibrationError("its XML is nested too deeply")
    if node.isMap():
        keys = node.keys()
        if {"rows", "cols", "dt", "data"} <= set(keys):
            return {"data": np.asarray(node.mat(), np.float64).ravel().tolist()}
        return {key: _node(node.getNode(key), depth + 1) for key in keys}
    if node.isSeq():
        return [_node(node.at(i), depth + 1) for i in range(node.size())]
    if node.isInt() or node.isReal():
        return node.real()
    return node.string()
