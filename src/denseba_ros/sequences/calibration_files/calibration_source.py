"""Where the calibration of a sequence comes from: given, a file, or beside the images."""

from __future__ import annotations

from collections.abc import Sequence as Numbers
from dataclasses import dataclass
from pathlib import Path

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.intrinsics_text import parse_intrinsics
from denseba_ros.sequences.calibration_files.reading import read_calibration

# Focal length over the longer side of most cameras.
_USUAL_FOCAL = 0.8


@dataclass(frozen=True)
class Uncalibrated:
    """Says that the images are wanted without a calibration: theirs is only a placeholder."""

    def calibration(self, size: tuple[int, int]) -> Calibration:
        """A usual pinhole camera for images of ``size`` (width, height)."""
        focal = _USUAL_FOCAL * max(size)
        return Calibration(*size, focal, focal, 0.5 * (size[0] - 1), 0.5 * (size[1] - 1))


CalibrationSource = Calibration | Uncalibrated | Path | str | None
"""A calibration, a calibration file, FILE:CAMERA, the text of --intrinsics, or nothing."""


def resolve_calibration(
    source: CalibrationSource,
    folder: Path,
    size: tuple[int, int],
    candidates: Numbers[str] = ("camera_info.yaml", "K.txt", "calibration.txt"),
) -> Calibration | None:
    """The calibration ``source`` if given, else that of the first candidate file in the folder.

    ``size`` is (width, height) of the images. None without both.

    Raises:
        CalibrationError: when it cannot be read or belongs to another image size.
    """
    calibration = given_calibration(source, size)
    if calibration is None:
        path = next((folder / c for c in candidates if (folder / c).is_file()), None)
        calibration = None if path is None else read_calibration(path, *size)
    if calibration is not None:
        check_size(calibration, size, str(folder))
    return calibration


def given_calibration(source: CalibrationSource, size: tuple[int, int]) -> Calibration | None:
    """The calibration that ``source`` describes for images of ``size``, not compared with them.

    Raises:
        CalibrationError: when it cannot be read.
    """
    if source is None or isinstance(source, Calibration):
        return source
    if isinstance(source, Uncalibrated):
        return source.calibration(size)
    if isinstance(source, Path):
        return read_calibration(source, *size)
    if _is_file(source):
        return read_calibration(Path(source), *size)
    path, colon, camera = source.rpartition(":")
    if colon and _is_file(path):
        return read_calibration(Path(path), *size, camera=camera)
    return parse_intrinsics(source, *size)


def check_size(calibration: Calibration, size: tuple[int, int], where: str) -> None:
    """Compare the ``size`` (width, height) of an image with its calibration.

    Raises:
        CalibrationError: when they differ.
    """
    if (calibration.width, calibration.height) != size:
        raise CalibrationError(
            f"{where}: the image is {size[0]}x{size[1]}, "
            f"but its calibration is for {calibration.width}x{calibration.height}"
        )


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return False
