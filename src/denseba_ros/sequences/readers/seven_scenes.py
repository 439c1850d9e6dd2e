"""7-Scenes folders: frame-000000.color.png and frame-000000.pose.txt side by side."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from denseba_ros.errors import SequenceError, TrajectoryError
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.known_cameras import SEVEN_SCENES_COLOUR
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.readers.image_sequence import ImageFile, ImageSequence, image_size
from denseba_ros.sequences.text_file import read_text
from denseba_ros.sequences.trajectory import Trajectory, is_rigid

_log = logging.getLogger(__name__)

LAYOUT = "frame-XXXXXX.color.png or .jpg"
_NOMINAL_HZ = 30


def looks_like_seven_scenes(folder: Path) -> bool:
    """Whether the folder has the layout of 7-Scenes."""
    return next(folder.glob("frame-*.color.*"), None) is not None


def open_seven_scenes(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """One 7-Scenes sequence: stamp = frame number / 30 s, colour camera f = 525, c = (320, 240).

    The ground truth is that of the depth camera (about 2.5 cm from the colour camera); frames
    whose pose file is missing or no rigid transform are left out of it. Without pose files it is
    poses_tum.txt.

    Raises:
        SequenceError: without colour images.
        CalibrationError: when the images have another size than the calibration.
    """
    paths = [p for p in image_files(folder) if ".color" in p.name]
    if not paths:
        raise SequenceError(f"{folder}: no {LAYOUT}")
    files = [_stamped(path) for path in paths]
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size)
    if resolved is None:
        resolved = SEVEN_SCENES_COLOUR
        check_size(resolved, size, str(folder))
    return ImageSequence(folder.name, resolved, files, lambda: _groundtruth(folder, files))


def _stamped(path: Path) -> ImageFile:
    number = file_number(path)
    if number is None:
        raise SequenceError(f"{path}: no frame number in the name")
    return ImageFile(number, round(number * 1_000_000_000 / _NOMINAL_HZ), path)


def _groundtruth(folder: Path, files: list[ImageFile]) -> Trajectory | None:
    stamps: list[int] = []
    poses: list[np.ndarray] = []
    missing = 0
    for file in files:
        path = file.path.with_name(f"{file.path.name.split('.')[0]}.pose.txt")
        if not path.is_file():
            missing += 1
            continue
        T = _read_pose(path)
        if not is_rigid(T):
            missing += 1
            continue
        stamps.append(file.stamp_ns)
        poses.append(T)
    if not poses:
        path = folder / "poses_tum.txt"
        return read_poses(path) if path.is_file() else None
    if missing:
        _log.warning("%d of %d frames have no valid ground-truth pose", missing, len(files))
    return Trajectory(np.array(stamps, dtype=np.int64), np.stack(poses))


def _read_pose(path: Path) -> np.ndarray:
    try:
        values = [float(v) for v in read_text(path).split()]
        return np.array(values).reshape(4, 4)
    except ValueError as error:
        raise TrajectoryError(f"{path}: not 16 numbers") from error
