"""TUM RGB-D folders: rgb.txt, groundtruth.txt; also ETH3D SLAM and the written synthetic room."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.depth_encodings import read_depth
from denseba_ros.sequences.known_cameras import TUM_BY_NAME
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    image_size,
)
from denseba_ros.sequences.readers.measured_depth import StampedDepth
from denseba_ros.sequences.stamps.stamp_units import parse_number, say_unit, to_nanoseconds, unit_of
from denseba_ros.sequences.text_file import TextFileError, read_text
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)

# Units of a metre in the benchmark's 16-bit depth.
_DEPTH_UNITS = 5000.0
LAYOUT = "rgb.txt with rows 'timestamp filename'"


def looks_like_tum(folder: Path) -> bool:
    """Whether the folder has the layout of TUM RGB-D."""
    return (folder / "rgb.txt").is_file()


def open_tum(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """A TUM RGB-D sequence; listed files that are missing are dropped during iteration.

    The calibration is the one given, camera_info.yaml or calibration.txt in the folder, or the
    published one (with distortion) when the folder's name holds freiburg1, 2 or 3.

    Raises:
        SequenceError: when rgb.txt is missing, malformed, or empty.
        CalibrationError: when no calibration is found or it does not fit the images.
    """
    files = _listed(folder / "rgb.txt")
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size) or _published(folder, size)

    def groundtruth() -> Trajectory | None:
        path = folder / "groundtruth.txt"
        return read_poses(path) if path.is_file() else None

    return ImageSequence(folder.name, resolved, files, groundtruth)


def open_tum_depth(folder: Path, units: float) -> Iterator[StampedDepth]:
    """The depth images of depth.txt in the order of their stamps; ``units`` of a metre, 0: 5000.

    Raises:
        SequenceError: when depth.txt is missing, malformed or empty.
    """
    files = _listed(folder / "depth.txt")

    def stamped(file: ImageFile) -> StampedDepth:
        return StampedDepth(file.stamp_ns, lambda: read_depth(file.path, units or _DEPTH_UNITS))

    return map(stamped, sorted(files, key=lambda file: file.stamp_ns))


def _listed(listing: Path) -> list[ImageFile]:
    folder = listing.parent
    rows: list[tuple[int, Decimal, str]] = []
    wrong: list[int] = []
    for number, fields in _rows(listing):
        try:
            rows.append((number, parse_number(fields[0]), _name(fields, folder)))
        except (ValueError, IndexError):
            wrong.append(number)
    unit = unit_of([stamp for _, stamp, _ in rows])
    files: list[ImageFile] = []
    for number, stamp, name in rows:
        try:
            stamp_ns = to_nanoseconds(stamp, unit)
        except ValueError:
            wrong.append(number)
        else:
            files.append(ImageFile(len(files), stamp_ns, folder / name))
    _check_rows(listing, sorted(wrong), len(files))
    say_unit(listing, unit)
    return files


def _name(fields: list[str], folder: Path) -> str:
    """The file of a row; its name may hold blanks.

    Raises:
        ValueError: when a number follows the first, as behind a decimal comma.
        IndexError: when there is none.
    """
    if len(fields) == 2:
        return fields[1]
    if fields[1].isdigit():
        raise ValueError(f"{fields[1]} is no file name")
    whole = " ".join(fields[1:])
    return whole if (folder / whole).is_file() else fields[1]


def _check_rows(listing: Path, wrong: list[int], right: int) -> None:
    """Say which lines are left out.

    Raises:
        SequenceError: when most are, or there are none.
    """
    if len(wrong) > right:
        raise SequenceError(f"{listing}:{wrong[0]}: not 'timestamp filename'")
    if not right:
        raise SequenceError(f"{listing}: lists no images")
    if wrong:
        _log.warning(
            "%s: left out %d rows that are not 'timestamp filename', the first is row %d",
            listing,
            len(wrong),
            wrong[0],
        )


def _rows(listing: Path) -> list[tuple[int, list[str]]]:
    """(line number, fields) of every line that is neither empty nor a comment."""
    try:
        lines = read_text(listing).splitlines()
    except TextFileError as error:
        raise SequenceError(f"{listing}: {error}") from error
    rows = (
        (number, line.replace(",", " ").replace("\\", "/").split())
        for number, line in enumerate(lines, 1)
    )
    return [(n, fields) for n, fields in rows if fields and not fields[0].startswith("#")]


def _published(folder: Path, size: tuple[int, int]) -> Calibration:
    name = folder.resolve().name.lower()
    for key, calibration in TUM_BY_NAME.items():
        if key in name or key.replace("freiburg", "fr") + "_" in name:
            check_size(calibration, size, str(folder))
            return calibration
    raise CalibrationError(
        f"{folder}: no camera_info.yaml or calibration.txt, and the folder's name holds none of "
        f"{', '.join(TUM_BY_NAME)}; give the intrinsics (--intrinsics fx,fy,cx,cy)"
    )
