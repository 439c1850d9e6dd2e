"""VINS-Mono and VINS-Fusion (camodocal): model_type with projection_parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.distortion_names import distortion, unusable_distortion
from denseba_ros.sequences.calibration_files.fields import item, number
from denseba_ros.sequences.calibration_files.image_size import stated_size
from denseba_ros.sequences.camera_info import positive_fy

_PROJECTION = "projection_parameters"
_DISTORTION = "distortion_parameters"


def _recognise(content: CalibrationText) -> bool:
    return any("model_type" in d or "cam0_calib" in d for d in content.documents)


def _cameras(content: CalibrationText) -> Cameras:
    return {
        str(document.get("camera_name", "camera")): partial(_read, document, content.size)
        for document in content.documents
        if "model_type" in document or "cam0_calib" in document
    }


def _read(document: Document, size: tuple[int, int]) -> Calibration:
    if "model_type" not in document:
        file = str(document["cam0_calib"])[:80]
        raise CalibrationError(f"its cameras are in other files: give the one of cam0, {file}")
    model = str(document["model_type"]).upper()
    size = stated_size(document, size)
    if model in ("PINHOLE", "PINHOLE_FULL"):
        fx, fy, cx, cy = _values(document, _PROJECTION, ("fx", "fy", "cx", "cy"))
        names: tuple[str, ...] = ("k1", "k2", "p1", "p2")
        if model == "PINHOLE_FULL":
            names = (*names, "k3", "k4", "k5", "k6")
        lens = distortion("opencv", _values(document, _DISTORTION, names))
    elif model == "KANNALA_BRANDT":
        # The series of camodocal begins with k1 = 1.
        fx, fy, cx, cy = _values(document, _PROJECTION, ("mu", "mv", "u0", "v0"))
        names = ("k2", "k3", "k4", "k5")
        lens = distortion("equidistant", _values(document, _PROJECTION, names))
    else:
        blocks = [v for v in document.values() if isinstance(v, Mapping)]
        raise unusable_distortion(model, sum(len(block) for block in blocks))
    return Calibration(*size, fx, positive_fy(fy), cx, cy, *lens)


def _values(document: Document, block: str, names: tuple[str, ...]) -> list[float]:
    values = item(document, block)
    if not isinstance(values, Mapping):
        raise CalibrationError(f"{block} has no names and numbers")
    return [number(item(values, name), name) for name in names]


FORMAT = CalibrationFormat("VINS", _recognise, _cameras)
