"""EuRoC MAV folders in ASL layout: mav0/cam0 with data.csv and sensor.yaml."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from denseba_ros.errors import CalibrationError, SequenceError, TrajectoryError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.distortion_names import distortion
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    check_rising,
    image_size,
)
from denseba_ros.sequences.trajectory import Trajectory, is_rigid

_log = logging.getLogger(__name__)

LAYOUT = "mav0/cam0/data.csv (or cam0/data.csv)"
# Both hold rows of stamp, position, quaternion w x y z of the body, then columns not used here.
_GROUNDTRUTH = ("state_groundtruth_estimate0", "mocap0")


@dataclass(frozen=True)
class _Sensor:
    calibration: Calibration
    T_body_camera: np.ndarray


def looks_like_euroc(folder: Path) -> bool:
    """Whether the folder has the layout of EuRoC."""
    return (_mav(folder) / "cam0" / "data.csv").is_file()


def open_euroc(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """The left camera (cam0) of an EuRoC sequence; ground truth is converted from body to camera.

    Raises:
        SequenceError: when data.csv is missing, malformed, empty or not in time order.
        CalibrationError: when sensor.yaml has no camera and no ``calibration`` is given, or
            it does not fit the images.
    """
    camera = _mav(folder) / "cam0"
    files = [
        ImageFile(i, _stamp(fields, camera), camera / "data" / fields[1])
        for i, fields in enumerate(_csv(camera / "data.csv", 2, SequenceError))
    ]
    if not files:
        raise SequenceError(f"{camera / 'data.csv'}: lists no images")
    check_rising(files, camera)
    size = image_size([file.path for file in files], camera)
    sensor_file = camera / "sensor.yaml"
    sensor = _read_sensor(sensor_file) if sensor_file.is_file() else None
    resolved = resolve_calibration(calibration, camera, size)
    if resolved is None and sensor is None:
        raise CalibrationError(f"{sensor_file}: missing; give the intrinsics")
    if resolved is None and sensor is not None:
        resolved = sensor.calibration
        check_size(resolved, size, str(camera))
    assert resolved is not None
    T_body_camera = np.eye(4) if sensor is None else sensor.T_body_camera
    return ImageSequence(
        folder.name, resolved, files, lambda: _groundtruth(_mav(folder), T_body_camera)
    )


def _mav(folder: Path) -> Path:
    return folder / "mav0" if (folder / "mav0").is_dir() else folder


def _csv(
    path: Path, columns: int, error_type: type[SequenceError | TrajectoryError]
) -> list[list[str]]:
    """Rows with at least that many columns, without comments."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise error_type(f"{path}: {error}") from error
    rows: list[list[str]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split(",")]
        if len(fields) < columns:
            raise error_type(f"{path}:{number}: expected {columns} columns, got {len(fields)}")
        rows.append(fields)
    return rows


def _stamp(fields: list[str], where: Path) -> int:
    try:
        return int(fields[0])
    except ValueError as error:
        raise SequenceError(f"{where}: stamp {fields[0]!r} is no whole nanosecond") from error


def _read_sensor(path: Path) -> _Sensor:
    try:
        # OpenCV's "%YAML:1.0" is no valid directive of YAML.
        lines = path.read_text().splitlines()
        document: Any = yaml.safe_load("\n".join(x for x in lines if not x.startswith("%")))
        if document["camera_model"] != "pinhole":
            raise CalibrationError(f"{path}: camera model {document['camera_model']!r}")
        width, height = (int(v) for v in document["resolution"])
        fx, fy, cx, cy = (float(v) for v in document["intrinsics"])
        model, coefficients = distortion(
            str(document["distortion_model"]),
            [float(v) for v in document["distortion_coefficients"]],
        )
        T = np.array([float(v) for v in document["T_BS"]["data"]]).reshape(4, 4)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise CalibrationError(f"{path}: no EuRoC camera: {error!r}") from error
    if not is_rigid(T):
        raise CalibrationError(f"{path}: T_BS is no rigid transform")
    return _Sensor(Calibration(width, height, fx, fy, cx, cy, model, coefficients), T)


def _groundtruth(mav: Path, T_body_camera: np.ndarray) -> Trajectory | None:
    path = next((p for n in _GROUNDTRUTH if (p := mav / n / "data.csv").is_file()), None)
    if path is None:
        return None
    rows = _csv(path, 8, TrajectoryError)
    try:
        stamps = np.array([int(fields[0]) for fields in rows], dtype=np.int64)
        values = np.array([[float(v) for v in fields[1:8]] for fields in rows]).reshape(-1, 7)
    except ValueError as error:
        raise TrajectoryError(f"{path}: {error}") from error
    norms = np.linalg.norm(values[:, 3:], axis=1)
    # Motion capture writes zeros or repeats a stamp when it does not see the body.
    good = np.all(np.isfinite(values), axis=1) & (np.abs(norms - 1.0) < 0.02)
    good &= np.diff(stamps, prepend=stamps[:1] - 1) > 0
    if not np.all(good):
        _log.warning("%s: skipped %d of %d poses as invalid", path, np.sum(~good), len(good))
    if not np.any(good):
        raise TrajectoryError(f"{path}: no valid poses")
    T = np.tile(np.eye(4), (int(good.sum()), 1, 1))
    T[:, :3, :3] = Rotation.from_quat(values[good][:, 3:], scalar_first=True).as_matrix()
    T[:, :3, 3] = values[good][:, :3]
    return Trajectory(stamps[good], T @ T_body_camera)
