"""The configuration of RViz for a node whose frames have other names."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from denseba_ros.resources import share_file

_SHIPPED = "config/rviz/denseba.rviz"


def rviz_file(odom: str, base: str) -> Path:
    """The shipped configuration, or a temporary copy of it with the frames ``odom`` and ``base``.

    Raises:
        ConfigurationError: when the shipped file is missing.
    """
    shipped = share_file(_SHIPPED)
    text = shipped.read_text()
    document = with_frames(yaml.safe_load(text), odom, base)
    if document == yaml.safe_load(text):
        return shipped
    with tempfile.NamedTemporaryFile(
        "w", prefix="denseba_", suffix=".rviz", delete=False
    ) as written:
        yaml.safe_dump(document, written, sort_keys=False)
    return Path(written.name)


def with_frames(document: dict[str, Any], odom: str, base: str) -> dict[str, Any]:
    """``document``, changed: ``odom`` is the fixed frame, and its views follow ``base``."""
    manager = document["Visualization Manager"]
    manager["Global Options"]["Fixed Frame"] = odom
    views = manager["Views"]
    for view in (views["Current"], *views["Saved"]):
        view["Target Frame"] = base
    return document
