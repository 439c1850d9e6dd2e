"""Any folder of images: K.txt or given intrinsics, with poses if there are any."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    resolve_calibration,
)
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.readers.camera_groups import of_one_camera
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    image_size,
)
from denseba_ros.sequences.readers.name_stamps import name_stamps
from denseba_ros.sequences.trajectory import Trajectory, read_kitti

_log = logging.getLogger(__name__)

LAYOUT = "images in the folder itself or in images/, rgb/, color/, frames/ or data/"
_SUBFOLDERS = (".", "images", "rgb", "color", "frames", "data")
_DEFAULT_FPS = 30.0
_SECOND = 1_000_000_000


def looks_like_images(folder: Path) -> bool:
    """Whether the folder, or its subfolder of images, has image files."""
    return any(image_files(folder / sub) for sub in _SUBFOLDERS)


def open_images(
    folder: Path,
    calibration: CalibrationSource = None,
    fps: float | None = None,
    names: str | None = None,
) -> ImageSequence:
    """Images in order of their number, or of the time in their names.

    ``names`` is a part of the names of one camera's images, where the folder holds several.

    Ground truth is poses_tum.txt or poses.txt (one 3x4 or 4x4 matrix per image, in order). Stamps
    are i / ``fps`` seconds; without ``fps`` they are the names where those are stamps, the file
    number in seconds where poses_tum.txt is stamped that way, else i / 30 s.

    Raises:
        SequenceError: without images, or when they are of several cameras or poses.txt does not
            fit them.
        CalibrationError: without camera_info.yaml, K.txt, calibration.txt or ``calibration``.
    """
    subfolder = next((s for s in _SUBFOLDERS if image_files(folder / s)), None)
    if subfolder is None:
        raise SequenceError(f"{folder}: no {LAYOUT}")
    paths = of_one_camera(image_files(folder / subfolder), names, folder)
    files = _stamped(folder, paths, fps)
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size)
    if resolved is None:
        raise CalibrationError(
            f"{folder}: no camera_info.yaml, K.txt or calibration.txt; "
            "give the intrinsics (--intrinsics fx,fy,cx,cy)"
        )
    return ImageSequence(folder.name, resolved, files, lambda: _groundtruth(folder, files))


def _stamped(folder: Path, paths: list[Path], fps: float | None) -> list[ImageFile]:
    named = name_stamps(paths) if fps is None else None
    if named is not None:
        if len(named) < len(paths):
            _log.warning(
                "%s: %d images whose names are no stamps are passed over",
                folder,
                len(paths) - len(named),
            )
        return [ImageFile(i, stamp, path) for i, (path, stamp) in enumerate(named.items())]
    if fps is None and _stamped_by_number(folder, paths):
        return [ImageFile(i, _number_stamp(p), p) for i, p in enumerate(paths)]
    if fps is None:
        _log.warning("%s: no frame rate given, taking %g Hz", folder, _DEFAULT_FPS)
    rate = _DEFAULT_FPS if fps is None else fps
    return [ImageFile(i, round(i * _SECOND / rate), p) for i, p in enumerate(paths)]


def _number_stamp(path: Path) -> int:
    return (file_number(path) or 0) * _SECOND


def _stamped_by_number(folder: Path, paths: list[Path]) -> bool:
    """Whether most stamps of poses_tum.txt are file numbers."""
    if not (folder / "poses_tum.txt").is_file():
        return False
    known = set(read_poses(folder / "poses_tum.txt").stamps_ns.tolist())
    numbers = {_number_stamp(p) for p in paths}
    return len(numbers) == len(paths) and 2 * len(known & numbers) > len(known)


def _groundtruth(folder: Path, files: list[ImageFile]) -> Trajectory | None:
    if (folder / "poses_tum.txt").is_file():
        trajectory = read_poses(folder / "poses_tum.txt")
        stamps = {_number_stamp(f.path): f.stamp_ns for f in files}
        if not _stamped_by_number(folder, [f.path for f in files]):
            return trajectory
        kept = [i for i, stamp in enumerate(trajectory.stamps_ns.tolist()) if stamp in stamps]
        restamped = [stamps[int(trajectory.stamps_ns[i])] for i in kept]
        return Trajectory(np.array(restamped, dtype=np.int64), trajectory.T_world_camera[kept])
    if (folder / "poses.txt").is_file():
        poses = read_kitti(folder / "poses.txt")
        if len(poses) != len(files):
            raise SequenceError(f"{folder}: {len(files)} images but {len(poses)} poses")
        return Trajectory(np.array([f.stamp_ns for f in files], dtype=np.int64), poses)
    return None
