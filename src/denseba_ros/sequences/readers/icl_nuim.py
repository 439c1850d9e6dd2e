"""ICL-NUIM in TUM's layout: associations.txt, rgb/, and a ground truth NAME.gt.freiburg.

The published camera has fy = -480: its y axis points up. The images are as all others, so that
fy = 480 describes them in a frame whose y axis points down; the ground truth is mirrored to it.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.known_cameras import ICL_NUIM
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.readers.image_sequence import ImageFile, ImageSequence, image_size
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)

LAYOUT = "rgb/ with NAME.gt.freiburg or associations.txt (ICL-NUIM)"
_HZ = 30
_SECOND = 1_000_000_000
_MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])


def looks_like_icl_nuim(folder: Path) -> bool:
    """Whether the folder has the layout of ICL-NUIM for TUM's tools."""
    if not (folder / "rgb").is_dir() or (folder / "rgb.txt").is_file():
        return False
    return _truth(folder) is not None or (folder / "associations.txt").is_file()


def open_icl_nuim(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """A sequence of ICL-NUIM: stamp = number of the image / 30 s, also of its ground truth.

    Raises:
        SequenceError: without images in rgb/.
        CalibrationError: when the images have another size than the calibration.
    """
    paths = image_files(folder / "rgb")
    if not paths:
        raise SequenceError(f"{folder}: no images in {LAYOUT}")
    files = [_stamped(path) for path in paths]
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size)
    if resolved is None:
        resolved = ICL_NUIM
        check_size(resolved, size, str(folder))
    return ImageSequence(folder.name, resolved, files, lambda: _groundtruth(folder))


def _stamped(path: Path) -> ImageFile:
    number = file_number(path)
    if number is None:
        raise SequenceError(f"{path}: no number in the name")
    return ImageFile(number, _frame_ns(number), path)


def _frame_ns(number: int) -> int:
    return round(number * _SECOND / _HZ)


def _truth(folder: Path) -> Path | None:
    found = sorted(p for p in folder.glob("*.gt.freiburg") if not p.name.startswith("."))
    return found[0] if found else None


def _groundtruth(folder: Path) -> Trajectory | None:
    path = _truth(folder)
    if path is None:
        return None
    trajectory = read_poses(path)
    _log.warning("%s: its y axis points up: the ground truth is mirrored", path)
    # Its stamps are numbers of images.
    stamps = np.array([_frame_ns(t // _SECOND) for t in trajectory.stamps_ns.tolist()], np.int64)
    return Trajectory(stamps, _MIRROR @ trajectory.T_world_camera @ _MIRROR)
