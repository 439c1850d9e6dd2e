"""Reads a calibration file of any tool, by its content."""

from __future__ import annotations

import logging
from pathlib import Path

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, parse
from denseba_ros.sequences.calibration_files.formats import (
    camera_info_echo,
    colmap,
    dso,
    kalibr,
    kitti,
    matrix_file,
    named_numbers,
    orb_slam,
    ost_text,
    plain_numbers,
    vins,
)
from denseba_ros.sequences.text_file import TextFileError, read_text

_log = logging.getLogger(__name__)

_FORMATS: tuple[CalibrationFormat, ...] = (
    kalibr.FORMAT,
    orb_slam.FORMAT,
    vins.FORMAT,
    camera_info_echo.FORMAT,
    matrix_file.FORMAT,
    named_numbers.FORMAT,
    colmap.FORMAT,
    ost_text.FORMAT,
    kitti.FORMAT,
    dso.FORMAT,
    plain_numbers.FORMAT,
)
KNOWN = (
    "ROS camera_info (YAML, ost.txt, or as printed by ros2 topic echo), Kalibr, ORB-SLAM, VINS, "
    "rtabmap, OpenCV (YAML, XML, JSON), COLMAP cameras.txt, DSO camera.txt, KITTI calib.txt, "
    "JSON of fx, fy, cx, cy, a 3x3 matrix, or a line fx,fy,cx,cy"
)
_LARGEST_BYTES = 1 << 20


def read_calibration(path: Path, width: int, height: int, camera: str | None = None) -> Calibration:
    """The camera of a calibration file: that named ``camera``, else the first, which is then said.

    ``width`` and ``height`` are those of the images, for files that state none.

    Raises:
        CalibrationError: with the file's name, when it is missing, has no camera that can be
            used, or has several of which none is the first by itself.
    """
    try:
        content = parse(read_text(path, _LARGEST_BYTES), (width, height))
        return _chosen(_format(content), content, camera, path)
    except (CalibrationError, TextFileError) as error:
        raise CalibrationError(f"{path}: {error}") from error


def _format(content: CalibrationText) -> CalibrationFormat:
    known = next((f for f in _FORMATS if f.recognise(content)), None)
    if known is not None:
        return known
    if not content.text.strip():
        raise CalibrationError("is empty")
    reason = f" ({content.broken})" if content.broken and not content.documents else ""
    raise CalibrationError(f"holds no calibration that is known here{reason}; known are {KNOWN}")


def _chosen(
    known: CalibrationFormat, content: CalibrationText, camera: str | None, path: Path
) -> Calibration:
    cameras = known.cameras(content)
    names = ", ".join(cameras)
    if camera is not None and camera not in cameras:
        raise CalibrationError(f"has no camera {camera[:40]!r}; there are: {names}")
    if camera is None and len(cameras) > 1:
        reason = known.ask(content)
        if reason:
            raise CalibrationError(f"has the cameras {names}: {reason}; choose as {path.name}:NAME")
        camera = next(iter(cameras))
        _log.warning(
            "%s: has the cameras %s; taking %s (another: %s:NAME)", path, names, camera, path.name
        )
    calibration = cameras[next(iter(cameras)) if camera is None else camera]()
    if content.broken and content.documents:
        _log.warning("%s: what follows is broken and left out: %s", path, content.broken)
    return calibration
