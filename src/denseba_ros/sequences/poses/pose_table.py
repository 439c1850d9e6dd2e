"""Tables of poses: TUM rows, EuRoC's csv, and csv files whose first row names the columns."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.sequences.poses.pose_columns import PoseColumns, columns_by_count, named_columns
from denseba_ros.sequences.stamps.frame_drops import FrameDrops, with_believed_stamps
from denseba_ros.sequences.stamps.stamp_rule import StampRule
from denseba_ros.sequences.stamps.stamp_units import parse_number, say_unit, to_nanoseconds, unit_of
from denseba_ros.sequences.trajectory import Trajectory, text_lines

_log = logging.getLogger(__name__)

# Quaternions in files are rounded; more than this off unit length is a wrong column.
_UNIT_TOLERANCE = 0.02
# A file of which more than this share of the rows is wrong is not what it is taken for.
_MOST_WRONG = 0.5


class _Rows:
    """Collects the rows that are poses, and counts the others by what is wrong with them."""

    def __init__(self, path: Path, columns: PoseColumns) -> None:
        self.path, self._columns = path, columns
        self.numbers: list[int] = []
        self.stamps: list[Decimal] = []
        self.poses: list[list[float]] = []
        self.wrong: Counter[str] = Counter()
        self.first_reason = ""

    def leave_out(self, number: int, kind: str, reason: str) -> None:
        """Count the row of a line that is no pose."""
        self.wrong[kind] += 1
        self.first_reason = self.first_reason or f"{self.path}:{number}: {reason}"

    def add(self, number: int, fields: Sequence[str]) -> None:
        """Take over one row, or count it as wrong."""
        columns = self._columns
        if len(fields) < columns.needed:
            reason = f"expected {columns.needed} numbers, got {len(fields)}"
            self.leave_out(number, "incomplete", reason)
            return
        try:
            row = [float(fields[i]) for i in (*columns.position, *columns.quaternion)]
        except ValueError as error:
            self.leave_out(number, "malformed", str(error))
            return
        if not np.all(np.isfinite(row)):
            self.leave_out(number, "not finite", "a value is not finite")
            return
        if abs(float(np.linalg.norm(row[3:])) - 1.0) > _UNIT_TOLERANCE:
            reason = f"the quaternion {row[3:]} has not length 1"
            self.leave_out(number, "without a rotation", reason)
            return
        try:
            stamp = parse_number(fields[columns.stamp])
        except ValueError as error:
            self.leave_out(number, "malformed", str(error))
            return
        self.numbers.append(number)
        self.stamps.append(stamp)
        self.poses.append(row)


def read_poses(path: Path) -> Trajectory:
    """Poses of a text file: ``t tx ty tz qx qy qz qw`` (TUM), or as its first row names them.

    Stamps are in seconds, or in the unit that the file says or their size shows. Rows that are no
    pose, and rows whose stamps ``StampRule`` does not believe where not all rise, are left out, and
    counted in a warning and in ``left_out``.

    Raises:
        TrajectoryError: when the file is missing or holds no poses, or more than half of its rows
            are wrong.
    """
    lines = text_lines(path)
    columns = _columns_of(lines)
    rows = _Rows(path, columns)
    total = 0
    for number, line in enumerate(lines, start=1):
        fields = _fields(line)
        if fields and not (total == 0 and _is_header(fields)):
            total += 1
            rows.add(number, fields)
    if total == 0:
        raise TrajectoryError(f"{path}: no poses")
    unit = columns.unit or unit_of(rows.stamps)
    if not columns.unit:
        say_unit(path, unit)
    stamps, poses = _rising(rows, unit)
    left_out = total - len(stamps)
    if not stamps or left_out > _MOST_WRONG * total:
        several = f" ({left_out} of {total} rows are wrong)" if total > 1 else ""
        kinds = ", ".join(f"{count} {kind}" for kind, count in rows.wrong.most_common())
        raise TrajectoryError(f"{rows.first_reason or f'{path}: {kinds}'}{several}")
    if left_out:
        kinds = ", ".join(f"{count} {kind}" for kind, count in rows.wrong.most_common())
        _log.warning("%s: left out %d of %d rows: %s", path, left_out, total, kinds)
    return Trajectory(np.array(stamps, dtype=np.int64), _matrices(np.array(poses)), left_out)


def _rising(rows: _Rows, unit: str) -> tuple[list[int], list[list[float]]]:
    """Stamps (ns) and poses in time order; those whose stamps are not believed are counted."""
    frames: list[tuple[int, int, None]] = []
    for index, stamp in enumerate(rows.stamps):
        try:
            frames.append((index, to_nanoseconds(stamp, unit), None))
        except ValueError as error:
            rows.leave_out(rows.numbers[index], "malformed", str(error))
    steps = [after[1] - before[1] for before, after in pairwise(frames)]
    kept = [(index, stamp_ns) for index, stamp_ns, _ in frames]
    if any(step <= 0 for step in steps):
        interval = round(median([step for step in steps if step > 0] or [1]))
        rule: StampRule[int] = StampRule(patient=True, interval_ns=interval)
        drops = FrameDrops()
        kept = list(with_believed_stamps(rule, frames, drops, partial(_name, rows)))
        for kind, count in drops.items():
            rows.wrong[kind] += count
    return [stamp for _, stamp in kept], [rows.poses[index] for index, _ in kept]


def _name(rows: _Rows, index: int) -> str:
    return f"{rows.path}:{rows.numbers[index]}"


def _columns_of(lines: Sequence[str]) -> PoseColumns:
    """By the names in the last line before the first row of numbers, else by their count."""
    columns: PoseColumns | None = None
    for line in lines:
        fields = _fields(line)
        if fields and not _is_header(fields):
            return columns or columns_by_count(fields)
        columns = named_columns(line) or columns
    return PoseColumns()


def _fields(line: str) -> list[str]:
    """The values of a line, none of an empty one or a comment."""
    if line.lstrip().startswith(("#", "%")):
        return []
    return line.replace(",", " ").replace(";", " ").split()


def _is_header(fields: Sequence[str]) -> bool:
    """Whether no field is a number: a row of names."""

    def is_number(text: str) -> bool:
        try:
            float(text)
        except ValueError:
            return False
        return True

    return not any(is_number(field) for field in fields)


def _matrices(rows: np.ndarray) -> np.ndarray:
    """(N, 7) rows of translation and quaternion to (N, 4, 4)."""
    T = np.tile(np.eye(4), (len(rows), 1, 1))
    T[:, :3, :3] = Rotation.from_quat(rows[:, 3:]).as_matrix()
    T[:, :3, 3] = rows[:, :3]
    return T
