"""RViz gets the frames of the node."""

from __future__ import annotations

from pathlib import Path

import yaml

from denseba_ros.resources import share_file
from denseba_ros.viewer.rviz_file import rviz_file


def frames(path: Path) -> tuple[str, list[str]]:
    """The fixed frame, and those that views follow."""
    manager = yaml.safe_load(path.read_text())["Visualization Manager"]
    views = [manager["Views"]["Current"], *manager["Views"]["Saved"]]
    return manager["Global Options"]["Fixed Frame"], [view["Target Frame"] for view in views]


def test_the_shipped_file_serves_the_default_frames() -> None:
    shipped = share_file("config/rviz/denseba.rviz")
    assert rviz_file("odom", "base_link") == shipped
    assert frames(shipped) == ("odom", ["base_link", "base_link"])


def test_other_frames_get_a_copy() -> None:
    path = rviz_file("one/odom", "one/body")
    try:
        assert frames(path) == ("one/odom", ["one/body", "one/body"])
        shipped = yaml.safe_load(share_file("config/rviz/denseba.rviz").read_text())
        written = yaml.safe_load(path.read_text())
        assert written["Panels"] == shipped["Panels"]
    finally:
        path.unlink()
