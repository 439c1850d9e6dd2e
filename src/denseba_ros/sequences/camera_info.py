"""Calibrations from camera_info fields, YAML files, K.txt or command-line text."""

from __future__ import annotations

from collections.abc import Sequence as Numbers
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration, DistortionModel

CalibrationSource = Calibration | Path | str | None
"""A calibration, a camera_info YAML or K.txt file, the text of --intrinsics, or nothing."""

_MODELS: dict[str, tuple[DistortionModel, tuple[int, ...]]] = {
    "": ("none", (0,)),
    "none": ("none", (0,)),
    "plumb_bob": ("plumb_bob", (5, 4)),
    "radial-tangential": ("plumb_bob", (5, 4)),
    "radtan": ("plumb_bob", (5, 4)),
    "rational_polynomial": ("rational_polynomial", (8,)),
    "equidistant": ("equidistant", (4,)),
    "fisheye": ("equidistant", (4,)),
}


def calibration_from_fields(
    width: int, height: int, k: Numbers[float], model: str, d: Numbers[float]
) -> Calibration:
    """From the fields of sensor_msgs/CameraInfo: ``k`` is K row-major (9 numbers).

    Coefficients that are all zero, or none at all, mean no distortion; trailing zeros beyond the
    model's count are dropped.

    Raises:
        CalibrationError: on an unknown model, coefficients that do not fit it, or a K that is
            empty (an uncalibrated camera) or has skew.
    """
    if len(k) != 9:
        raise CalibrationError(f"the camera matrix has {len(k)} numbers instead of 9")
    if k[1] != 0.0:
        raise CalibrationError(f"the camera matrix has skew {k[1]}, which is not supported")
    name, coefficients = distortion(model, d)
    return Calibration(
        width, height, float(k[0]), float(k[4]), float(k[2]), float(k[5]), name, coefficients
    )


def distortion(model: str, d: Numbers[float]) -> tuple[DistortionModel, tuple[float, ...]]:
    """The ``Calibration.model`` of a distortion model's name in ROS or Kalibr, and its
    coefficients; "none" if all are zero.

    Raises:
        CalibrationError: when the model is unknown.
    """
    values = tuple(float(c) for c in d)
    if not any(values):
        return "none", ()
    known = _MODELS.get(model.strip().lower())
    if known is None:
        raise CalibrationError(f"unknown distortion model {model!r}; known: {sorted(_MODELS)[1:]}")
    name, counts = known
    if len(values) > counts[0] and not any(values[counts[0] :]):
        values = values[: counts[0]]
    return name, values


def parse_intrinsics(text: str, width: int, height: int) -> Calibration:
    """``fx,fy,cx,cy[,k1,k2,p1,p2[,k3]]`` in pixels as the calibration of a width x height image.

    Raises:
        CalibrationError: when it is not 4, 8 or 9 numbers, or they are no valid camera.
    """
    try:
        values = [float(v) for v in text.replace(",", " ").split()]
    except ValueError as error:
        raise CalibrationError(f"intrinsics {text!r}: {error}") from error
    if len(values) not in (4, 8, 9):
        raise CalibrationError(f"intrinsics {text!r}: expected fx,fy,cx,cy[,k1,k2,p1,p2[,k3]]")
    model, coefficients = distortion("plumb_bob", values[4:])
    fx, fy, cx, cy = values[:4]
    return Calibration(width, height, fx, fy, cx, cy, model, coefficients)


def read_calibration(path: Path, width: int, height: int) -> Calibration:
    """A calibration file: camera_info YAML, a 3x3 matrix, or one line like --intrinsics.

    ``width`` and ``height`` are those of the images; a YAML file has its own.

    Raises:
        CalibrationError: with the file's name, when it is missing or has no camera.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: {error}") from error
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            return _from_yaml(text)
        return _from_numbers(text, width, height)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error


def write_camera_info(path: Path, calibration: Calibration, name: str) -> None:
    """Write the YAML that ROS camera drivers and ``camera_calibration`` read and write."""
    coefficients = list(calibration.coefficients)
    k = [float(v) for v in calibration.matrix.ravel()]
    p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
    model = "plumb_bob" if calibration.model == "none" else calibration.model
    d = coefficients or [0.0] * 5
    document = {
        "image_width": calibration.width,
        "image_height": calibration.height,
        "camera_name": name,
        "camera_matrix": {"rows": 3, "cols": 3, "data": k},
        "distortion_model": model,
        "distortion_coefficients": {"rows": 1, "cols": len(d), "data": d},
        "rectification_matrix": {"rows": 3, "cols": 3, "data": np.eye(3).ravel().tolist()},
        "projection_matrix": {"rows": 3, "cols": 4, "data": p},
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False, default_flow_style=None))


def resolve_calibration(
    source: CalibrationSource,
    folder: Path,
    size: tuple[int, int],
    candidates: Numbers[str] = ("camera_info.yaml", "K.txt", "calibration.txt"),
) -> Calibration | None:
    """The calibration ``source`` if given, else that of the first candidate file in the folder.

    ``size`` is (width, height) of the images. None without both.

    Raises:
        CalibrationError: when it cannot be read or belongs to another image size.
    """
    calibration = _given(source, size)
    if calibration is None:
        path = next((folder / c for c in candidates if (folder / c).is_file()), None)
        calibration = None if path is None else read_calibration(path, *size)
    if calibration is not None:
        check_size(calibration, size, str(folder))
    return calibration


def check_size(calibration: Calibration, size: tuple[int, int], where: str) -> None:
    """Compare the ``size`` (width, height) of an image with its calibration.

    Raises:
        CalibrationError: when they differ.
    """
    if (calibration.width, calibration.height) != size:
        raise CalibrationError(
            f"{where}: the image is {size[0]}x{size[1]}, "
            f"but its calibration is for {calibration.width}x{calibration.height}"
        )


def _given(source: CalibrationSource, size: tuple[int, int]) -> Calibration | None:
    if source is None or isinstance(source, Calibration):
        return source
    if isinstance(source, Path) or Path(source).is_file():
        return read_calibration(Path(source), *size)
    return parse_intrinsics(source, *size)


def _from_numbers(text: str, width: int, height: int) -> Calibration:
    lines = [line.split("#")[0] for line in text.splitlines()]
    values = " ".join(lines).replace(",", " ").split()
    if len(values) != 9 or len([line for line in lines if line.strip()]) == 1:
        return parse_intrinsics(" ".join(values), width, height)
    try:
        k = [float(v) for v in values]
    except ValueError as error:
        raise CalibrationError(str(error)) from error
    return calibration_from_fields(width, height, k, "none", [])


def _from_yaml(text: str) -> Calibration:
    try:
        document: Any = yaml.safe_load(text)
        return calibration_from_fields(
            int(document["image_width"]),
            int(document["image_height"]),
            [float(v) for v in document["camera_matrix"]["data"]],
            str(document.get("distortion_model", "")),
            [float(v) for v in document.get("distortion_coefficients", {}).get("data", [])],
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CalibrationError(f"no camera_info YAML: {error!r}") from error
