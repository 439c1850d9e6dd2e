"""TUM's monocular sequences: images.zip or images/, times.txt, camera.txt."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    resolve_calibration,
)
from denseba_ros.sequences.image_archive import archived_images
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.readers.image_sequence import (
    ImageFile,
    ImageSequence,
    image_size,
)
from denseba_ros.sequences.text_file import TextFileError, read_text
from denseba_ros.sequences.trajectory import Trajectory, parse_seconds

LAYOUT = "images.zip or images/ with times.txt and camera.txt (TUM monocular)"
_ARCHIVE, _FOLDER, _TIMES, _CAMERA = "images.zip", "images", "times.txt", "camera.txt"


def looks_like_tum_mono(folder: Path) -> bool:
    """Whether the folder has the layout of TUM's monocular sequences."""
    has_images = (folder / _ARCHIVE).is_file() or (folder / _FOLDER).is_dir()
    return has_images and (folder / _TIMES).is_file() and (folder / _CAMERA).is_file()


def open_tum_mono(folder: Path, calibration: CalibrationSource = None) -> ImageSequence:
    """A sequence of TUM's monocular data set; rows of times.txt are number, stamp, exposure.

    Raises:
        SequenceError: without images, or when times.txt has not their stamps.
        CalibrationError: when the calibration is missing, cannot be used or does not fit.
    """
    paths, archive = image_files(folder / _FOLDER), None
    if not paths and (folder / _ARCHIVE).is_file():
        archive = folder / _ARCHIVE
        paths = archived_images(archive)
    if not paths:
        raise SequenceError(f"{folder}: no images in {LAYOUT}")
    stamps = _stamps(folder / _TIMES, paths)
    files = [
        ImageFile(i, stamp, path, archive)
        for i, (stamp, path) in enumerate(zip(stamps, paths, strict=True))
    ]
    size = image_size(files, folder)
    resolved = resolve_calibration(calibration, folder, size, candidates=(_CAMERA,))
    if resolved is None:
        raise CalibrationError(f"{folder}: no {_CAMERA}; give the intrinsics")

    def groundtruth() -> Trajectory | None:
        path = folder / "groundtruthSync.txt"
        return read_poses(path) if path.is_file() else None

    return ImageSequence(folder.name, resolved, files, groundtruth)


def _stamps(path: Path, images: list[Path]) -> list[int]:
    """The stamp of each image, by the number in its name."""
    by_number: dict[int, int] = {}
    try:
        for line in read_text(path).splitlines():
            fields = line.replace(",", " ").split()
            if fields and not fields[0].startswith("#"):
                by_number.setdefault(int(fields[0]), parse_seconds(fields[1]))
    except TextFileError as error:
        raise SequenceError(f"{path}: {error}") from error
    except (ValueError, IndexError) as error:
        raise SequenceError(f"{path}: a row is not number, stamp and exposure") from error
    numbers = [file_number(image) for image in images]
    missing = [image for image, n in zip(images, numbers, strict=True) if n not in by_number]
    if missing:
        raise SequenceError(f"{path}: has no row for {missing[0].name}")
    return [by_number[n] for n in numbers if n is not None]
