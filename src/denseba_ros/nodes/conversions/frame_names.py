"""Names of TF frames."""

from __future__ import annotations


def frame_name(name: str) -> str:
    """``name`` without the leading slash of ROS 1, which tf2 takes for another frame."""
    return name.lstrip("/")
