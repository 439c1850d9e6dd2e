"""Which files of a path belong to one recording."""

from __future__ import annotations

from pathlib import Path

_ROS2 = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
_ROS1 = (".bag", ".bag.active")


def storage_files(path: Path) -> list[Path]:
    """The file itself, or the files of a ROS 2 bag in the folder, else its ROS 1 bags."""
    if path.is_file():
        return [path] if is_storage(path) else []
    if not path.is_dir():
        return []
    visible = [p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")]
    ros2 = sorted(p for p in visible if p.name.endswith(_ROS2))
    if ros2:
        return _without_copies(ros2, ".zstd")
    ros1 = sorted(p for p in visible if p.name.endswith(_ROS1))
    # `rosbag reindex` keeps the file before as NAME.orig.bag.
    originals = {p for p in ros1 if ".orig." in p.name}
    repaired = [p for p in ros1 if p not in originals]
    return _without_copies(repaired or ros1, ".active")


def is_storage(path: Path) -> bool:
    """Whether the file is named as one of a bag."""
    return path.name.endswith(_ROS2 + _ROS1)


def _without_copies(paths: list[Path], suffix: str) -> list[Path]:
    """Without NAME``suffix`` beside NAME."""
    names = {p.name for p in paths}
    return [
        p
        for p in paths
        if p.name.removesuffix(suffix) == p.name or p.name.removesuffix(suffix) not in names
    ]
