"""KITTI's raw drives as downloaded: image_00/data, timestamps.txt, calib_cam_to_cam.txt."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from pathlib import Path

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    resolve_calibration,
)
from denseba_ros.sequences.calibration_files.reading import read_calibration
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.known_cameras import KITTI_BY_SIZE
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    image_size,
)
from denseba_ros.sequences.text_file import TextFileError, read_text

_log = logging.getLogger(__name__)

LAYOUT = "image_00/data/ or image_02/data/ with timestamps.txt (KITTI raw)"
_CAMERAS = ("image_00", "image_02", "image_01", "image_03")
_CALIBRATION = "calib_cam_to_cam.txt"
_NOMINAL_PERIOD_NS = 100_000_000


def looks_like_kitti_raw(folder: Path) -> bool:
    """Whether the folder has the layout of a drive of KITTI raw."""
    return any((folder / camera / "data").is_dir() for camera in _CAMERAS)


def open_kitti_raw(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """A drive of KITTI raw, rectified (sync) or not (extract); it has no ground truth.

    calib_cam_to_cam.txt is looked for in the folder and the two above it; without it the
    published intrinsics of rectified images of that size are used, with a warning.

    Raises:
        SequenceError: without images, or when timestamps.txt does not cover them.
        CalibrationError: when no calibration is found or it does not fit the images.
    """
    camera = next((c for c in _CAMERAS if image_files(folder / c / "data")), None)
    if camera is None:
        raise SequenceError(f"{folder}: no images in {LAYOUT}")
    paths = image_files(folder / camera / "data")
    stamps = _stamps(folder / camera / "timestamps.txt", [_frame_id(path) for path in paths])
    files = [ImageFile(i, *row) for i, row in enumerate(zip(stamps, paths, strict=True))]
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size, candidates=())
    if resolved is None:
        resolved = _calibration(folder, camera[-1], size)
    return ImageSequence(folder.name, resolved, files)


def _frame_id(path: Path) -> int:
    number = file_number(path)
    if number is None:
        raise SequenceError(f"{path}: no frame number in the name")
    return number


def _stamps(path: Path, ids: list[int]) -> list[int]:
    """Nanoseconds of each frame id, a row of timestamps.txt."""
    if not path.is_file():
        _log.warning("%s: missing, taking 10 Hz", path)
        return [i * _NOMINAL_PERIOD_NS for i in ids]
    try:
        lines = read_text(path).splitlines()
        rows = [_nanoseconds(line.strip()) for line in lines if line.strip()]
    except (TextFileError, ValueError) as error:
        raise SequenceError(f"{path}: {error}") from error
    if ids[-1] < len(rows):
        return [rows[i] for i in ids]
    if len(rows) == len(ids):
        _log.warning("%s: as many rows as images, taken in the order of the images", path)
        return rows
    raise SequenceError(f"{path}: {len(rows)} rows, but the last frame id is {ids[-1]}")


def _nanoseconds(text: str) -> int:
    """Of ``2011-09-26 13:02:25.594360375``, as if it were UTC."""
    seconds, _, fraction = text.partition(".")
    if fraction and not fraction.isdecimal():
        raise ValueError(f"{text[:40]!r} is no date and time")
    try:
        moment = datetime.strptime(seconds, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no date and time") from error
    return int(moment.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9] or "0")


def _calibration(folder: Path, camera: str, size: tuple[int, int]) -> Calibration:
    resolved = folder.resolve()
    places = (resolved, resolved.parent, resolved.parent.parent)
    path = next((p for place in places if (p := place / _CALIBRATION).is_file()), None)
    if path is not None:
        return resolve_calibration(
            read_calibration(path, *size, camera=f"P{camera}"), folder, size
        ) or _missing(folder, size)
    if size not in KITTI_BY_SIZE:
        return _missing(folder, size)
    name, published = KITTI_BY_SIZE[size]
    _log.warning("%s: no %s; taking KITTI's published %s", folder, _CALIBRATION, name)
    return published


def _missing(folder: Path, size: tuple[int, int]) -> Calibration:
    raise CalibrationError(
        f"{folder}: no {_CALIBRATION}, and {size[0]}x{size[1]} is no size of a rectified KITTI "
        "image; give the intrinsics (--intrinsics fx,fy,cx,cy)"
    )
