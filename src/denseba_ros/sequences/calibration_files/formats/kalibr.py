"""Kalibr's camchain.yaml and camera.yaml, and the sensor.yaml of EuRoC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.distortion_names import distortion, unusable_distortion
from denseba_ros.sequences.calibration_files.fields import first_key, item, numbers, whole
from denseba_ros.sequences.calibration_files.fov_model import fov_camera
from denseba_ros.sequences.camera_info import positive_fy

_COEFFICIENTS = ("distortion_coeffs", "distortion_coefficients")
_NONE = ("none", "null", "~", "")


def _cameras(content: CalibrationText) -> Cameras:
    found: Cameras = {}
    for document in content.documents:
        chain = sorted((k for k in document if _is_camera(k, document[k])), key=_number)
        found |= {name: partial(_read, document[name]) for name in chain}
        if not chain and "intrinsics" in document and "camera_model" in document:
            found.setdefault("cam0", partial(_read, document))
    return found


def _is_camera(key: str, value: object) -> bool:
    named = re.fullmatch(r"cam(era)?_?\d+", key) is not None
    return named and isinstance(value, Mapping) and "camera_model" in value


def _number(key: str) -> int:
    return int("".join(c for c in key if c.isdigit()))


def _read(camera: Document) -> Calibration:
    model = str(item(camera, "camera_model"))
    intrinsics = numbers(item(camera, "intrinsics"), "intrinsics")
    key = first_key(camera, _COEFFICIENTS)
    lens = str(item(camera, "distortion_model"))
    if key is None and lens.lower() not in _NONE:
        raise CalibrationError("distortion_coeffs is missing")
    coefficients = [] if key is None else numbers(camera[key], key)
    if model.lower() != "pinhole":
        raise unusable_distortion(model, len(intrinsics) + len(coefficients))
    if len(intrinsics) != 4:
        raise CalibrationError(f"intrinsics are {len(intrinsics)} numbers, not fx, fy, cx, cy")
    size = [whole(v, "resolution") for v in numbers(item(camera, "resolution"), "resolution")]
    if len(size) != 2:
        raise CalibrationError("resolution is not width and height")
    fx, fy, cx, cy = intrinsics
    if lens.lower() == "fov" and len(coefficients) == 1:
        return fov_camera((size[0], size[1]), fx, fy, cx, cy, coefficients[0])
    return Calibration(
        size[0], size[1], fx, positive_fy(fy), cx, cy, *distortion(lens, coefficients)
    )


FORMAT = CalibrationFormat("Kalibr", lambda content: bool(_cameras(content)), _cameras)
