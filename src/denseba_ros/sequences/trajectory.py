"""Camera trajectories in memory, in KITTI files, and written as TUM files."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.sequences.stamps.stamp_units import parse_number, to_nanoseconds
from denseba_ros.sequences.text_file import TextFileError, read_text


@dataclass(frozen=True)
class Trajectory:
    """Poses over time: ``stamps_ns`` (N,) int64 rising, ``T_world_camera`` (N, 4, 4) float64.

    ``left_out`` rows of the file were no poses.
    """

    stamps_ns: np.ndarray
    T_world_camera: np.ndarray
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.stamps_ns)


def parse_seconds(text: str) -> int:
    """Decimal seconds as nanoseconds, without going through a float.

    Raises:
        ValueError: when the text is not a finite number, or no time within 292 years of 1970.
    """
    return to_nanoseconds(parse_number(text), "s")


def format_seconds(stamp_ns: int) -> str:
    """Nanoseconds as decimal seconds with nine digits; what ``parse_seconds`` reads."""
    return f"{Decimal(int(stamp_ns)).scaleb(-9):.9f}"


def tum_row(stamp_ns: int, T_world_camera: np.ndarray) -> str:
    """``t tx ty tz qx qy qz qw`` of one (4, 4) pose: seconds, metres, a unit quaternion."""
    quaternion = Rotation.from_matrix(T_world_camera[:3, :3]).as_quat()
    values = " ".join(f"{v:.9f}" for v in (*T_world_camera[:3, 3], *quaternion))
    return f"{format_seconds(stamp_ns)} {values}"


def write_tum(path: Path, trajectory: Trajectory) -> None:
    """Write one ``tum_row`` for each pose."""
    with path.open("w") as file:
        for stamp, T in zip(trajectory.stamps_ns, trajectory.T_world_camera, strict=True):
            file.write(tum_row(stamp, T) + "\n")


def read_kitti(path: Path) -> np.ndarray:
    """Read poses of 12 (3x4) or 16 (4x4) numbers a row, row-major: (N, 4, 4) float64.

    Raises:
        TrajectoryError: when the file is missing or empty, or a row is no rigid transform.
    """
    poses: list[np.ndarray] = []
    for number, fields in _rows(path):
        where = f"{path}:{number}"
        if len(fields) not in (12, 16):
            raise TrajectoryError(f"{where}: expected 12 or 16 numbers, got {len(fields)}")
        try:
            values = np.array([float(f) for f in fields]).reshape(-1, 4)
        except ValueError as error:
            raise TrajectoryError(f"{where}: {error}") from error
        T = np.eye(4)
        T[:3] = values[:3]
        if not is_rigid(T):
            raise TrajectoryError(f"{where}: not a rigid transform")
        poses.append(T)
    if not poses:
        raise TrajectoryError(f"{path}: no poses")
    return np.stack(poses)


def is_rigid(T: np.ndarray, tolerance: float = 1e-2) -> bool:
    """Whether (4, 4) ``T`` is finite with a rotation, to the rounding that text files have."""
    R = T[:3, :3]
    return bool(
        np.all(np.isfinite(T))
        and np.allclose(R @ R.T, np.eye(3), atol=tolerance)
        and np.linalg.det(R) > 0
    )


def associate(a_ns: np.ndarray, b_ns: np.ndarray, tolerance_ns: int) -> tuple[np.ndarray, ...]:
    """Pairs of stamps that are each other's nearest within the tolerance.

    ``a_ns`` (N,) and ``b_ns`` (M,) rise. Returns (K,) indices into a and (K,) indices into b.
    """
    if len(a_ns) == 0 or len(b_ns) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    a_to_b, b_to_a = _nearest(a_ns, b_ns), _nearest(b_ns, a_ns)
    index = np.arange(len(a_ns))
    close = np.abs(a_ns - b_ns[a_to_b]) <= tolerance_ns
    mutual = close & (b_to_a[a_to_b] == index)
    return index[mutual], a_to_b[mutual]


def _nearest(from_ns: np.ndarray, to_ns: np.ndarray) -> np.ndarray:
    right = np.clip(np.searchsorted(to_ns, from_ns), 0, len(to_ns) - 1)
    left = np.maximum(right - 1, 0)
    take_left = np.abs(from_ns - to_ns[left]) <= np.abs(from_ns - to_ns[right])
    return np.where(take_left, left, right)


def text_lines(path: Path) -> list[str]:
    """The lines of a text file, without a byte order mark.

    Raises:
        TrajectoryError: when it is missing or no text.
    """
    try:
        return read_text(path).splitlines()
    except TextFileError as error:
        raise TrajectoryError(f"{path}: {error}") from error


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, fields) of every line that is neither empty nor a comment."""
    lines = text_lines(path)
    rows = ((n, line.replace(",", " ").split()) for n, line in enumerate(lines, start=1))
    return [(n, fields) for n, fields in rows if fields and not fields[0].startswith("#")]
