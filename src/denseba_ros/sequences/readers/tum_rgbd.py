"""TUM RGB-D folders: rgb.txt, groundtruth.txt; also ETH3D SLAM and the written synthetic room."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.known_cameras import TUM_BY_NAME
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    check_rising,
    image_size,
    without_repeated,
)
from denseba_ros.sequences.text_file import TextFileError, read_text
from denseba_ros.sequences.trajectory import Trajectory, parse_seconds, read_tum

LAYOUT = "rgb.txt with rows 'timestamp filename'"


def looks_like_tum(folder: Path) -> bool:
    """Whether the folder has the layout of TUM RGB-D."""
    return (folder / "rgb.txt").is_file()


def open_tum(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """A TUM RGB-D sequence; listed files that are missing are dropped during iteration.

    The calibration is the one given, camera_info.yaml or calibration.txt in the folder, or the
    published one (with distortion) when the folder's name holds freiburg1, 2 or 3.

    Raises:
        SequenceError: when rgb.txt is missing, malformed, empty or not in time order.
        CalibrationError: when no calibration is found or it does not fit the images.
    """
    listed = _listed(folder)
    files = without_repeated(listed, folder)
    check_rising(files, folder)
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size) or _published(folder, size)

    def groundtruth() -> Trajectory | None:
        path = folder / "groundtruth.txt"
        return read_tum(path) if path.is_file() else None

    repeated = len(listed) - len(files)
    return ImageSequence(folder.name, resolved, files, groundtruth, repeated)


def _listed(folder: Path) -> list[ImageFile]:
    listing = folder / "rgb.txt"
    try:
        lines = read_text(listing).splitlines()
    except TextFileError as error:
        raise SequenceError(f"{listing}: {error}") from error
    files: list[ImageFile] = []
    for number, line in enumerate(lines, start=1):
        fields = line.replace(",", " ").replace("\\", "/").split()
        if not fields or fields[0].startswith("#"):
            continue
        try:
            stamp, name = parse_seconds(fields[0]), fields[1]
        except (ValueError, IndexError) as error:
            raise SequenceError(f"{listing}:{number}: not 'timestamp filename'") from error
        files.append(ImageFile(len(files), stamp, folder / name))
    if not files:
        raise SequenceError(f"{listing}: lists no images")
    return files


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
