"""Settings files of ORB-SLAM2, ORB-SLAM3, OpenVSLAM: keys like Camera.fx and Camera1.fx."""

from __future__ import annotations

import logging
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.distortion_names import distortion, unusable_distortion
from denseba_ros.sequences.calibration_files.fields import item, number, numbers, whole
from denseba_ros.sequences.calibration_files.image_size import stated_size
from denseba_ros.sequences.camera_info import calibration_from_fields, positive_fy

_log = logging.getLogger(__name__)

_NAMES = ("Camera1", "Camera", "Camera2")
_STEREO = ("LEFT", "RIGHT")
_OPENCV = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


def _cameras(content: CalibrationText) -> Cameras:
    found: Cameras = {}
    for document in content.documents:
        for name in _NAMES:
            if f"{name}.fx" in document or f"{name}.fy" in document:
                found[name] = partial(_read, document, name, content.size)
        if "Camera.fx" in document:
            for name in _STEREO:
                if f"{name}.K" in document:
                    found[name] = partial(_read_unrectified, document, name, content.size)
    return found


def _ask(content: CalibrationText) -> str:
    if set(_STEREO) & set(_cameras(content)):
        return "LEFT is the camera before, Camera after stereo rectification"
    return ""


def _read(document: Document, name: str, size: tuple[int, int]) -> Calibration:
    fx, fy, cx, cy = (number(item(document, k), k) for k in _keys(name, ("fx", "fy", "cx", "cy")))
    kind = _kind(document)
    coefficients = _coefficients(document, name, kind)
    return Calibration(
        *stated_size(document, size), fx, positive_fy(fy), cx, cy, *distortion(kind, coefficients)
    )


def _kind(document: Document) -> str:
    """ORB-SLAM3's name of the camera model; OpenVSLAM and stella_vslam name it otherwise."""
    kind = str(document.get("Camera.type", document.get("Camera.model", "PinHole")))
    others = {"perspective": "PinHole", "fisheye": "KannalaBrandt8"}
    return others.get(kind.lower(), kind)


def _coefficients(document: Document, name: str, kind: str) -> list[float]:
    if kind.lower() == "rectified":
        return []
    if kind.lower().startswith("kannala"):
        return [number(item(document, k), k) for k in _keys(name, ("k1", "k2", "k3", "k4"))]
    if kind.lower() != "pinhole":
        raise unusable_distortion(kind, 4)
    keys = _keys(name, _OPENCV)
    if not any(key in document for key in keys):
        _log.warning("no distortion is stated for %s: taken as none", name)
        return []
    needed = [number(item(document, key), key) for key in keys[:4]]
    return needed + [number(document.get(key, 0.0), key) for key in keys[4:]]


def _read_unrectified(document: Document, name: str, size: tuple[int, int]) -> Calibration:
    sides = [f"{name}.width", f"{name}.height"]
    if all(side in document for side in sides):
        size = (whole(document[sides[0]], sides[0]), whole(document[sides[1]], sides[1]))
    k = numbers(document[f"{name}.K"], f"{name}.K")
    if f"{name}.D" not in document:
        raise CalibrationError(f"{name}.D is missing")
    return calibration_from_fields(*size, k, "opencv", numbers(document[f"{name}.D"], f"{name}.D"))


def _keys(name: str, values: tuple[str, ...]) -> list[str]:
    return [f"{name}.{value}" for value in values]


FORMAT = CalibrationFormat("ORB-SLAM", lambda content: bool(_cameras(content)), _cameras, _ask)
