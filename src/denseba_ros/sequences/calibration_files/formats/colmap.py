"""COLMAP's cameras.txt: rows of id, model, width, height and parameters."""

from __future__ import annotations

import re
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText
from denseba_ros.sequences.calibration_files.distortion_names import distortion, unusable_distortion
from denseba_ros.sequences.calibration_files.fields import number, whole
from denseba_ros.sequences.calibration_files.fov_model import fov_camera

_ROW = re.compile(r"\d+\s+([A-Z][A-Z_0-9]*)\s+\d+\s+\d+\s+\S")
# Model: parameters of focal length and centre, then which coefficients of which distortion.
_MODELS: dict[str, tuple[int, str, int, int]] = {
    # name: (number of focal lengths, distortion, coefficients, coefficients with zeros behind)
    "SIMPLE_PINHOLE": (1, "none", 0, 0),
    "PINHOLE": (2, "none", 0, 0),
    "SIMPLE_RADIAL": (1, "opencv", 1, 4),
    "RADIAL": (1, "opencv", 2, 4),
    "OPENCV": (2, "opencv", 4, 4),
    "FULL_OPENCV": (2, "opencv", 8, 8),
    "SIMPLE_FISHEYE": (1, "equidistant", 0, 4),
    "FISHEYE": (2, "equidistant", 0, 4),
    "SIMPLE_RADIAL_FISHEYE": (1, "equidistant", 1, 4),
    "RADIAL_FISHEYE": (1, "equidistant", 2, 4),
    "OPENCV_FISHEYE": (2, "equidistant", 4, 4),
}
# COLMAP's centre of the top-left pixel is (0.5, 0.5).
_PIXEL_CENTRE = 0.5


def _recognise(content: CalibrationText) -> bool:
    return bool(content.lines) and _ROW.match(content.lines[0]) is not None


def _cameras(content: CalibrationText) -> Cameras:
    return {line.split()[0]: partial(_read, line.split()) for line in content.lines}


def _read(row: list[str]) -> Calibration:
    if len(row) < 5:
        raise CalibrationError("a row is not id, model, width, height and parameters")
    model = row[1]
    values = [number(word, f"a parameter of {model}") for word in row[4:]]
    size = whole(row[2], "width"), whole(row[3], "height")
    if model == "FOV" and len(values) == 5:
        fx, fy, cx, cy, w = values
        return fov_camera(size, fx, fy, cx - _PIXEL_CENTRE, cy - _PIXEL_CENTRE, w)
    if model not in _MODELS:
        raise unusable_distortion(model, len(values))
    focals, lens, count, filled = _MODELS[model]
    if len(values) != focals + 2 + count:
        raise CalibrationError(f"{model} has {focals + 2 + count} parameters, got {len(values)}")
    cx, cy = (value - _PIXEL_CENTRE for value in values[focals : focals + 2])
    coefficients = values[focals + 2 :] + [0.0] * (filled - count)
    return Calibration(
        *size, values[0], values[focals - 1], cx, cy, *distortion(lens, coefficients)
    )


FORMAT = CalibrationFormat("COLMAP", _recognise, _cameras)
