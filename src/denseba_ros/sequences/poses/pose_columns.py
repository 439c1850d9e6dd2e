"""Which column of a table of poses is what, by the names in its first row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_QUATERNION = ("quat", "quaternion", "orientation", "rotation", "rot")
_POSITION = ("p", "t", "pos", "position", "trans", "translation")
_PLAIN_POSITION = {f"{prefix}{axis}": axis for prefix in ("", "t", "p") for axis in "xyz"}
# EuRoC's ground truth: stamp, position, quaternion with w first, then velocities and biases.
_EUROC_COLUMNS = 17


@dataclass(frozen=True)
class PoseColumns:
    """Indices of the stamp, of x, y, z and of the quaternion's x, y, z, w; ``unit`` of the stamps
    ("ns", "us", "ms", "s"), empty where the file does not say it."""

    stamp: int = 0
    position: tuple[int, ...] = (1, 2, 3)
    quaternion: tuple[int, ...] = (4, 5, 6, 7)
    unit: str = ""

    @property
    def needed(self) -> int:
        """Number of columns that a row must have."""
        return max(self.stamp, *self.position, *self.quaternion) + 1


TUM_COLUMNS = PoseColumns()
EUROC_COLUMNS = PoseColumns(quaternion=(5, 6, 7, 4), unit="ns")


def named_columns(header: str) -> PoseColumns | None:
    """The columns that a header names, None where it does not name all of a pose."""
    text = header.strip().lstrip("#%").strip()
    # Units may hold spaces: "p_RS_R_x [m], v_RS_R_x [m s^-1]".
    names = text.split(",") if "," in text else re.sub(r"\s*[\[(].*?[\])]", "", text).split()
    axes: dict[str, int] = {}
    stamp: int | None = None
    unit = ""
    for index, name in enumerate(names):
        found = _axis(name)
        if found and found not in axes:
            axes[found] = index
        if stamp is None and re.search(r"time|stamp|^#?t$", name.strip().lower()):
            stamp, unit = index, _unit(name)
    wanted = ["x", "y", "z", "qx", "qy", "qz", "qw"]
    if not all(axis in axes for axis in wanted):
        return None
    columns = [axes[axis] for axis in wanted]
    return PoseColumns(stamp or 0, tuple(columns[:3]), tuple(columns[3:]), unit)


def columns_by_count(first_row: Sequence[str]) -> PoseColumns:
    """The columns of a table without names."""
    return EUROC_COLUMNS if len(first_row) == _EUROC_COLUMNS else TUM_COLUMNS


def _axis(name: str) -> str:
    """x, y, z of a position, qx, qy, qz, qw of a quaternion, else empty."""
    plain = re.sub(r"[\[(].*?[\])]", "", name).strip().strip('"').lower()
    words = [word for word in re.split(r"[^a-z0-9]+", plain) if word]
    if not words or words[-1][-1] not in "xyzw":
        return ""
    axis = words[-1][-1]
    is_quaternion = any(w in _QUATERNION or re.fullmatch(r"q[a-z]?", w) for w in words)
    if is_quaternion or plain in ("w", "quatx", "quaty", "quatz", "quatw"):
        return "q" + axis
    if plain in _PLAIN_POSITION or (axis != "w" and any(word in _POSITION for word in words)):
        return axis
    return ""


def _unit(name: str) -> str:
    found = re.search(r"(?:[\[(]|[_ ])\s*(ns|us|ms|s|nsec|sec|secs|nanoseconds|seconds)\b", name)
    short = {"nsec": "ns", "nanoseconds": "ns", "sec": "s", "secs": "s", "seconds": "s"}
    return short.get(found[1], found[1]) if found else ""
