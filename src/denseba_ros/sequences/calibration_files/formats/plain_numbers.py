"""Nothing but numbers: a matrix of 3x3, 3x4 or 4x4, or one line like --intrinsics."""

from __future__ import annotations

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText
from denseba_ros.sequences.calibration_files.intrinsics_text import (
    check_decimal_points,
    parse_intrinsics,
)
from denseba_ros.sequences.camera_info import calibration_from_fields

_BRACKETS = str.maketrans(",;[]()", "      ")
_SHAPES = ([3, 3, 3], [4, 4, 4], [4, 4, 4, 4])


def _values(content: CalibrationText) -> list[list[float]]:
    """The numbers of each line that has any.

    Raises:
        ValueError: when a word is no number.
    """
    rows = [[float(w) for w in line.translate(_BRACKETS).split()] for line in content.lines]
    return [row for row in rows if row]


def _recognise(content: CalibrationText) -> bool:
    try:
        return bool(_values(content))
    except ValueError:
        return False


def _cameras(content: CalibrationText) -> Cameras:
    return {"camera": lambda: _read(content)}


def _read(content: CalibrationText) -> Calibration:
    check_decimal_points(content.text)
    rows = _values(content)
    flat = [value for row in rows for value in row]
    k = [value for row in rows[:3] for value in row[:3]]
    is_matrix = [len(row) for row in rows] in _SHAPES
    in_one_line = len(flat) == 9 and flat[1] == flat[3] == flat[6] == flat[7] == 0.0
    if is_matrix or (in_one_line and flat[8] == 1.0):
        return calibration_from_fields(*content.size, k if is_matrix else flat, "none", [])
    if len(rows) not in (1, 2, len(flat)):
        raise CalibrationError(f"{len(flat)} numbers in {len(rows)} lines are no camera matrix")
    return parse_intrinsics(" ".join(map(repr, flat)), *content.size)


FORMAT = CalibrationFormat("numbers", _recognise, _cameras)
