"""DSO's camera.txt, also of the TUM monocular data set: parameters, size, and how it is cut."""

from __future__ import annotations

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText
from denseba_ros.sequences.calibration_files.distortion_names import distortion
from denseba_ros.sequences.calibration_files.fields import number, whole
from denseba_ros.sequences.calibration_files.fov_model import fov_camera

_CUTS = ("crop", "full", "none")
_MODELS = {
    "pinhole": "none",
    "fov": "fov",
    "atan": "fov",
    "radtan": "opencv",
    "kannalabrandt": "equidistant",
    "equidistant": "equidistant",
}


def _recognise(content: CalibrationText) -> bool:
    if len(content.lines) not in (2, 3, 4):
        return False
    first, second, *rest = (line.split() for line in content.lines)
    named = first[0].lower() in _MODELS
    cut = bool(rest) and (rest[0][0].lower() in _CUTS or len(rest[0]) == 5)
    return len(second) == 2 and (named or (cut and len(first) in (5, 8)))


def _cameras(content: CalibrationText) -> Cameras:
    return {"camera": lambda: _read(content)}


def _read(content: CalibrationText) -> Calibration:
    first, second = (line.split() for line in content.lines[:2])
    model = _MODELS.get(first[0].lower(), "")
    values = [number(word, "a parameter") for word in (first[1:] if model else first)]
    if not model:
        model = "fov" if len(values) == 5 else "opencv"
    if len(values) < 4:
        raise CalibrationError(f"{len(values)} parameters, not fx, fy, cx, cy and a distortion")
    width, height = whole(second[0], "width"), whole(second[1], "height")
    fx, fy, cx, cy = values[:4]
    if cx < 1.0 and cy < 1.0:
        # Parts of the image size, from the corner of the top-left pixel.
        fx, fy, cx, cy = fx * width, fy * height, cx * width - 0.5, cy * height - 0.5
    if model == "fov":
        return fov_camera((width, height), fx, fy, cx, cy, values[4] if values[4:] else 0.0)
    return Calibration(width, height, fx, fy, cx, cy, *distortion(model, values[4:]))


FORMAT = CalibrationFormat("DSO", _recognise, _cameras)
