"""ROS's ost.txt (the INI file of camera_calibration): blocks of a name and numbers."""

from __future__ import annotations

import re
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText
from denseba_ros.sequences.calibration_files.fields import number, whole
from denseba_ros.sequences.camera_info import calibration_from_fields

_BLOCKS = ("width", "height", "camera matrix", "distortion", "rectification", "projection")


def _recognise(content: CalibrationText) -> bool:
    return "camera matrix" in content.lines and "[image]" in content.lines


def _cameras(content: CalibrationText) -> Cameras:
    sections = [line for line in content.lines if re.fullmatch(r"\[.+\]", line)]
    names = [line[1:-1] for line in sections if line != "[image]"] or ["camera"]
    return {name: partial(_read, content, name) for name in names}


def _read(content: CalibrationText, camera: str) -> Calibration:
    blocks = _blocks(content, camera)
    for name in _BLOCKS[:4]:
        if not blocks.get(name):
            raise CalibrationError(f"{name} is missing")
    size = (whole(blocks["width"][0], "width"), whole(blocks["height"][0], "height"))
    k = [number(word, "camera matrix") for word in blocks["camera matrix"]]
    d = [number(word, "distortion") for word in blocks["distortion"]]
    return calibration_from_fields(*size, k, "plumb_bob", d)


def _blocks(content: CalibrationText, camera: str) -> dict[str, list[str]]:
    """The words below each name, in the section [image] and in that of the camera."""
    blocks: dict[str, list[str]] = {}
    section, block = "", ""
    for line in content.lines:
        if line.startswith("["):
            section, block = line[1:-1], ""
        elif line.lower() in _BLOCKS:
            block = line.lower()
        elif block and section in ("image", camera):
            blocks.setdefault(block, []).extend(line.split())
    return blocks


FORMAT = CalibrationFormat("ost.txt", _recognise, _cameras)
