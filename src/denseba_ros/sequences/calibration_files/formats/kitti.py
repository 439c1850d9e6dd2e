"""KITTI's calib.txt (P0 to P3) and calib_cam_to_cam.txt (rectified and raw)."""

from __future__ import annotations

import re
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText
from denseba_ros.sequences.calibration_files.fields import number
from denseba_ros.sequences.camera_info import calibration_from_fields

_PROJECTION = re.compile(r"(P|P_rect_0)(\d)")


def _rows(content: CalibrationText) -> dict[str, list[str]]:
    pairs = (line.partition(":") for line in content.lines)
    return {key.strip(): values.split() for key, colon, values in pairs if colon}


def _cameras(content: CalibrationText) -> Cameras:
    rows = _rows(content)
    found = (_PROJECTION.fullmatch(key) for key, values in rows.items() if len(values) == 12)
    numbers = sorted({match[2] for match in found if match is not None})
    return {f"P{n}": partial(camera_of, content, n) for n in numbers}


def camera_of(content: CalibrationText, camera: str) -> Calibration:
    """Camera "0" to "3" for images of the content's size: rectified, or raw where only that fits.

    Raises:
        CalibrationError: when a row is missing or malformed.
    """
    rows = _rows(content)
    if f"P{camera}" in rows:
        return calibration_from_fields(*content.size, _matrix(rows, f"P{camera}"), "none", [])
    if _size(rows, f"S_0{camera}") == content.size != _size(rows, f"S_rect_0{camera}"):
        k = _numbers(rows, f"K_0{camera}", 9)
        d = _numbers(rows, f"D_0{camera}", 5)
        return calibration_from_fields(*content.size, k, "plumb_bob", d)
    name = f"P_rect_0{camera}"
    size = _size(rows, f"S_rect_0{camera}") or content.size
    return calibration_from_fields(*size, _matrix(rows, name), "none", [])


def _matrix(rows: dict[str, list[str]], name: str) -> list[float]:
    p = _numbers(rows, name, 12)
    return [*p[0:3], *p[4:7], *p[8:11]]


def _numbers(rows: dict[str, list[str]], name: str, count: int) -> list[float]:
    if name not in rows:
        raise CalibrationError(f"no row {name}")
    if len(rows[name]) != count:
        raise CalibrationError(f"{name} is not {count} numbers")
    return [number(word, name) for word in rows[name]]


def _size(rows: dict[str, list[str]], name: str) -> tuple[int, int] | None:
    if name not in rows:
        return None
    width, height = _numbers(rows, name, 2)
    return round(width), round(height)


FORMAT = CalibrationFormat("KITTI", lambda content: bool(_cameras(content)), _cameras)
