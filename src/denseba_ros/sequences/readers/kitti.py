"""KITTI odometry folders: image_0 (or image_2), calib.txt, times.txt, poses."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    resolve_calibration,
)
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.known_cameras import KITTI_BY_SIZE
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    image_size,
)
from denseba_ros.sequences.stamps.stamp_units import stamps_in_ns
from denseba_ros.sequences.text_file import TextFileError, read_text
from denseba_ros.sequences.trajectory import Trajectory, read_kitti

_log = logging.getLogger(__name__)

LAYOUT = "image_0/ or image_2/ with images named by frame number"
_CAMERAS = ("image_0", "image_2")
_POSES = ("poses_gt.txt", "poses.txt")
_NOMINAL_PERIOD_NS = 100_000_000


def looks_like_kitti(folder: Path) -> bool:
    """Whether the folder has the layout of a KITTI odometry sequence."""
    return any((folder / camera).is_dir() for camera in _CAMERAS)


def open_kitti(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """A KITTI odometry sequence; the file number is the frame id that indexes times.txt.

    Frame ids without a file are simply not part of the sequence. Without calib.txt the published
    intrinsics of the KITTI camera with that image size are used, with a warning.

    Raises:
        SequenceError: without images, or when times.txt does not cover them.
        CalibrationError: when no calibration is found or it does not fit the images.
    """
    camera = next((c for c in _CAMERAS if image_files(folder / c)), None)
    if camera is None:
        raise SequenceError(f"{folder}: no images in {' or '.join(_CAMERAS)}")
    paths = image_files(folder / camera)
    ids = [_frame_id(path) for path in paths]
    stamps = _stamps(folder, ids)
    files = [ImageFile(*row) for row in zip(ids, stamps, paths, strict=True)]
    projection = _projection(folder / "calib.txt", "P" + camera[-1])
    camera_model = _calibration(folder, calibration, projection, image_size(files, folder))

    def groundtruth() -> Trajectory | None:
        return _groundtruth(folder, stamps, ids, _camera_offset(projection))

    return ImageSequence(folder.name, camera_model, files, groundtruth)


def _frame_id(path: Path) -> int:
    number = file_number(path)
    if number is None:
        raise SequenceError(f"{path}: no frame number in the name")
    return number


def _stamps(folder: Path, ids: list[int]) -> list[int]:
    """The stamp of each frame id."""
    path = folder / "times.txt"
    if not path.is_file():
        _log.warning("%s: no times.txt, taking 10 Hz", folder)
        return [i * _NOMINAL_PERIOD_NS for i in ids]
    try:
        stamps = stamps_in_ns(read_text(path), path)
    except ValueError as error:
        raise SequenceError(f"{path}: {error}") from error
    rows = _rows(ids, len(stamps), path)
    if None in rows:
        raise SequenceError(f"{path}: {len(stamps)} rows, but the last frame id is {ids[-1]}")
    return [stamps[row] for row in rows if row is not None]


def _rows(ids: list[int], count: int, path: Path) -> list[int | None]:
    """The row of each frame id in a file of ``count`` rows: the id itself, None beyond the end.

    A section of a sequence may keep its frame ids but only its own rows; then rows are in order.
    """
    if ids[-1] >= count == len(ids):
        _log.warning("%s: as many rows as images, taken in the order of the images", path)
        return list(range(count))
    return [i if i < count else None for i in ids]


def _projection(path: Path, name: str) -> np.ndarray | None:
    """The (3, 4) projection of one camera, None without the file."""
    if not path.is_file():
        return None
    try:
        lines = read_text(path).splitlines()
    except TextFileError as error:
        raise CalibrationError(f"{path}: {error}") from error
    for line in lines:
        key, _, values = line.partition(":")
        if key.strip() not in (name, f"P_rect_0{name[-1]}"):
            continue
        try:
            P = np.array([float(v) for v in values.split()]).reshape(3, 4)
        except ValueError as error:
            raise CalibrationError(f"{path}: {name} is not 12 numbers") from error
        if not (np.all(np.isfinite(P)) and P[0, 0] > 0.0 and P[1, 1] > 0.0 and P[2, 2] != 0.0):
            raise CalibrationError(f"{path}: {name} is no projection of a camera")
        return P
    raise CalibrationError(f"{path}: no row {name}")


def _calibration(
    folder: Path, source: CalibrationSource, P: np.ndarray | None, size: tuple[int, int]
) -> Calibration:
    if source is None and P is not None:
        fx, fy, cx, cy = (float(v) for v in (P[0, 0], P[1, 1], P[0, 2], P[1, 2]))
        return Calibration(*size, fx, fy, cx, cy)
    given = resolve_calibration(source, folder, size)
    if given is not None:
        return given
    if size not in KITTI_BY_SIZE:
        raise CalibrationError(
            f"{folder}: no calib.txt, and {size[0]}x{size[1]} is no size of a KITTI camera; "
            "give the intrinsics (--intrinsics fx,fy,cx,cy)"
        )
    name, published = KITTI_BY_SIZE[size]
    _log.warning(
        "%s: no calib.txt; taking KITTI's published rectified intrinsics of %s for %dx%d images",
        folder,
        name,
        *size,
    )
    return published


def _camera_offset(P: np.ndarray | None) -> np.ndarray:
    """T_camera0_camera (4, 4): the poses are those of the left grey camera."""
    T = np.eye(4)
    if P is not None:
        T[:3, 3] = -np.linalg.solve(P[:, :3], P[:, 3])
    return T


def _groundtruth(
    folder: Path, stamps: list[int], ids: list[int], T_camera0_camera: np.ndarray
) -> Trajectory | None:
    candidates = [folder / name for name in _POSES]
    candidates.append(folder.parent.parent / "poses" / f"{folder.name}.txt")
    path = next((p for p in candidates if p.is_file()), None)
    if path is not None:
        poses = read_kitti(path) @ T_camera0_camera
        rows = _rows(ids, len(poses), path)
        known = [(stamp, row) for stamp, row in zip(stamps, rows, strict=True) if row is not None]
        kept = [row for _, row in known]
        return Trajectory(np.array([stamp for stamp, _ in known], dtype=np.int64), poses[kept])
    if (folder / "poses_tum.txt").is_file():
        return read_poses(folder / "poses_tum.txt")
    return None
