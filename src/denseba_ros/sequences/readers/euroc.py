"""EuRoC MAV folders in ASL layout: mav0/cam0 with data.csv and sensor.yaml."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import CalibrationError, SequenceError, TrajectoryError
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.calibration_files.calibration_text import parse
from denseba_ros.sequences.calibration_files.fields import numbers
from denseba_ros.sequences.calibration_files.reading import read_calibration
from denseba_ros.sequences.image_io import IMAGE_SUFFIXES
from denseba_ros.sequences.imu.euroc_imu import read_euroc_imu
from denseba_ros.sequences.readers.csv_rows import (
    read_csv_rows,
    read_rows,
    stamp_in_ns,
    unit_in_ns,
)
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    image_size,
)
from denseba_ros.sequences.text_file import TextFileError, read_text
from denseba_ros.sequences.trajectory import Trajectory, is_rigid

_log = logging.getLogger(__name__)

LAYOUT = "mav0/cam0/data.csv (or cam0/data.csv) and imu0/data.csv, also of TUM-VI"
# Both hold rows of stamp, position, quaternion w x y z of the body, then columns not used here.
_GROUNDTRUTH = ("state_groundtruth_estimate0", "mocap0")


def looks_like_euroc(folder: Path) -> bool:
    """Whether the folder has the layout of EuRoC."""
    return (_mav(folder) / "cam0" / "data.csv").is_file()


def open_euroc(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """The left camera (cam0) of an EuRoC sequence; ground truth is converted from body to camera.

    Raises:
        SequenceError: when data.csv is missing or empty, or most of its rows are malformed.
        CalibrationError: when sensor.yaml has no camera and no ``calibration`` is given, or
            it does not fit the images.
    """
    camera = _mav(folder) / "cam0"
    files = _listed(camera)
    size = image_size(files, camera)
    resolved = resolve_calibration(calibration, camera, size)
    sensor_file = _sensor_file(folder, camera)
    if resolved is None:
        if sensor_file is None:
            raise CalibrationError(f"{camera / 'sensor.yaml'}: missing; give the intrinsics")
        resolved = read_calibration(sensor_file, *size)
        check_size(resolved, size, str(camera))
    T_body_camera = np.eye(4) if sensor_file is None else _body_camera(sensor_file)
    return ImageSequence(
        folder.name,
        resolved,
        files,
        lambda: _groundtruth(_mav(folder), T_body_camera),
        read_imu=lambda: read_euroc_imu(_mav(folder)),
        read_imu_extrinsics=lambda: _imu_camera(_mav(folder), sensor_file),
    )


def _mav(folder: Path) -> Path:
    return folder / "mav0" if (folder / "mav0").is_dir() else folder


def _listed(camera: Path) -> list[ImageFile]:
    """The rows of data.csv; columns are by their header where it names them."""
    path = camera / "data.csv"
    try:
        table = read_csv_rows(path)
    except TextFileError as error:
        raise SequenceError(f"{path}: {error}") from error
    if not table.rows:
        raise SequenceError(f"{path}: lists no images")
    time = table.column(("time", "stamp")) or 0
    name = table.column(("file", "image", "name", "path"))
    name = 1 - min(time, 1) if name is None or name == time else name
    unit_ns = unit_in_ns(table.header[time]) if table.header else None

    def image(number: int, fields: list[str]) -> tuple[int, Path]:
        if len(fields) <= max(time, name):
            raise SequenceError(
                f"{path}:{number}: expected {max(time, name) + 1} columns, got {len(fields)}"
            )
        stamp = stamp_in_ns(fields[time], unit_ns, f"{path}:{number}")
        return stamp, _image_path(camera, fields[name])

    return [ImageFile(i, *one) for i, one in enumerate(read_rows(table, image, path))]


def _image_path(camera: Path, name: str) -> Path:
    """Of a name in data/, or with its folder; some write it without its suffix."""
    inside = name.replace("\\", "/")
    path = camera / inside if inside.startswith("data/") else camera / "data" / inside
    if path.suffix or path.exists():
        return path
    named = (path.with_suffix(suffix) for suffix in sorted(IMAGE_SUFFIXES))
    return next((candidate for candidate in named if candidate.is_file()), path)


def _sensor_file(folder: Path, camera: Path) -> Path | None:
    """sensor.yaml, or Kalibr's camchain as TUM-VI has it in dso/."""
    if (camera / "sensor.yaml").is_file():
        return camera / "sensor.yaml"
    root = folder.parent if folder.name == "mav0" else folder
    places = (camera, _mav(folder), root, root / "dso")
    return next((path for place in places for path in sorted(place.glob("*camchain*.y*ml"))), None)


def _body_camera(path: Path) -> np.ndarray:
    """T_body_camera (4, 4), the identity with a warning where the file does not tell it."""
    T = _body_sensor(path)
    if T is None:
        _log.warning("%s: has no T_BS: the ground truth is taken as that of the camera", path)
        return np.eye(4)
    return T


def _imu_camera(mav: Path, camera_file: Path | None) -> np.ndarray | None:
    """T_imu_camera (4, 4), None where the camera's file does not tell it; the body is the IMU where
    that has none."""
    T_body_camera = None if camera_file is None else _body_sensor(camera_file)
    if T_body_camera is None:
        return None
    imu_file = mav / "imu0" / "sensor.yaml"
    T_body_imu = _body_sensor(imu_file) if imu_file.is_file() else None
    return T_body_camera if T_body_imu is None else np.linalg.inv(T_body_imu) @ T_body_camera


def _body_sensor(path: Path) -> np.ndarray | None:
    """T_body_sensor (4, 4): T_BS of sensor.yaml, or the inverse of Kalibr's T_cam_imu; None where
    there is neither.

    Raises:
        CalibrationError: when the file cannot be read or it is no rigid transform.
    """
    try:
        documents = parse(read_text(path), (0, 0)).documents
        document = documents[0] if documents else {}
        inner = document.get("cam0")
        sensor = inner if isinstance(inner, Mapping) else document
        key = "T_BS" if "T_BS" in sensor else "T_cam_imu"
        values = numbers(sensor[key], key) if key in sensor else []
    except (TextFileError, CalibrationError) as error:
        raise CalibrationError(f"{path}: {error}") from error
    if not values:
        return None
    if len(values) != 16:
        raise CalibrationError(f"{path}: {key} is not 16 numbers")
    T = np.array(values).reshape(4, 4)
    if not is_rigid(T):
        raise CalibrationError(f"{path}: {key} is no rigid transform")
    return T if key == "T_BS" else np.linalg.inv(T)


def _groundtruth(mav: Path, T_body_camera: np.ndarray) -> Trajectory | None:
    path = next((p for n in _GROUNDTRUTH if (p := mav / n / "data.csv").is_file()), None)
    if path is None:
        return None
    try:
        rows = [fields for _, fields in read_csv_rows(path).rows]
        if any(len(fields) < 8 for fields in rows):
            raise TrajectoryError(f"{path}: a row has less than 8 columns")
        stamps = np.array([int(fields[0]) for fields in rows], dtype=np.int64)
        values = np.array([[float(v) for v in fields[1:8]] for fields in rows]).reshape(-1, 7)
    except (ValueError, OverflowError) as error:
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
