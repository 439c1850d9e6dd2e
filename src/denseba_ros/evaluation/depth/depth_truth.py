"""Ground-truth depth images: files, stamps, units and camera."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.evaluation.trajectory.association import NANOSECONDS
from denseba_ros.evaluation.trajectory.groundtruth import read_times
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.intrinsics_text import parse_intrinsics
from denseba_ros.sequences.trajectory import parse_seconds

CAMERA = "camera.json"
LISTING = "depth.txt"
# Units per metre: of TUM RGB-D, and of all others.
_TUM_UNITS, _MILLIMETRES = 5000.0, 1000.0


@dataclass(frozen=True)
class DepthFiles:
    """Depth images in time order: ``stamps_ns`` (N,) int64 and their files.

    ``usual_units`` per metre are those of the layout: 5000 in TUM folders, else 1000.
    """

    stamps_ns: np.ndarray
    paths: list[Path]
    usual_units: float


def find_depth(folder: Path, times: Path | None = None, fps: float | None = None) -> DepthFiles:
    """The depth images of a folder.

    Their stamps come from ``depth.txt`` in the folder or beside it (TUM: stamp and file per row);
    else from the number in the file name: a row of ``times``, or number / ``fps`` seconds, or,
    without both, nanoseconds.

    Raises:
        SequenceError: when there are no depth images or a number has no time.
    """
    listing = next((p for p in (folder / LISTING, folder.parent / LISTING) if p.is_file()), None)
    if listing is not None:
        pairs = _listed(listing)
    else:
        # a folder that holds colour as well names its depth images *.depth.png
        paths = sorted(folder.glob("*.depth.png")) or sorted(folder.glob("*.png"))
        pairs = _numbered(paths, times, fps)
    if not pairs:
        raise SequenceError(f"{folder}: no depth images")
    pairs.sort()
    usual_units = _MILLIMETRES if listing is None else _TUM_UNITS
    return DepthFiles(np.array([s for s, _ in pairs], np.int64), [p for _, p in pairs], usual_units)


def _listed(listing: Path) -> list[tuple[int, Path]]:
    rows = [line.split() for line in listing.read_text().splitlines()]
    try:
        return [
            (parse_seconds(row[0]), listing.parent / row[1])
            for row in rows
            if row and not row[0].startswith("#")
        ]
    except (ValueError, IndexError) as error:
        raise SequenceError(f"{listing}: not rows of stamp and file: {error}") from error


def _numbered(paths: list[Path], times: Path | None, fps: float | None) -> list[tuple[int, Path]]:
    stamps = None if times is None else read_times(times)
    pairs: list[tuple[int, Path]] = []
    for path in paths:
        digits = re.search(r"\d+", path.name)
        if digits is None:
            raise SequenceError(f"{path}: the name holds no number")
        number = int(digits.group())
        if stamps is not None and number >= len(stamps):
            raise SequenceError(f"{path}: {times} has only {len(stamps)} rows")
        if stamps is not None:
            pairs.append((int(stamps[number]), path))
        else:
            pairs.append((number if fps is None else round(number * NANOSECONDS / fps), path))
    return pairs


def read_depth(path: Path, units_per_metre: float) -> np.ndarray:
    """Depth (h, w) float64 metres of a 16-bit PNG, NaN where it is 0.

    Raises:
        SequenceError: when it cannot be read or is not of 16 bits and one channel.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SequenceError(f"{path}: cannot be read")
    if image.dtype != np.uint16 or image.ndim != 2:
        raise SequenceError(f"{path}: {image.dtype} {image.shape}, not 16-bit depth")
    return np.where(image == 0, np.nan, image / units_per_metre)


def camera_from_dict(values: dict[str, Any], where: str) -> Calibration:
    """The camera in a JSON file of ``denseba run``; ``where`` names the file in errors.

    Raises:
        CalibrationError: when a value is missing, unknown or wrong.
    """
    fields = {k: v for k, v in values.items() if k != "metres_per_unit"}
    try:
        return Calibration(**{**fields, "coefficients": tuple(fields.get("coefficients", ()))})
    except TypeError as error:
        raise CalibrationError(f"{where}: {error}") from error


def truth_camera(
    folder: Path, size: tuple[int, int], intrinsics: str | None, image_camera: Calibration
) -> Calibration:
    """The camera of the depth images of ``size`` (width, height).

    ``intrinsics`` if given, else camera.json of the folder, else ``image_camera`` resized (depth
    that is registered to the images).

    Raises:
        CalibrationError: when ``intrinsics`` or camera.json does not fit.
    """
    if intrinsics is not None:
        return parse_intrinsics(intrinsics, *size)
    if (folder / CAMERA).is_file():
        camera = camera_from_dict(json.loads((folder / CAMERA).read_text()), str(folder / CAMERA))
        if (camera.width, camera.height) != size:
            raise CalibrationError(f"{folder / CAMERA}: not for depth images of {size}")
        return camera
    return image_camera.resized(*size)
