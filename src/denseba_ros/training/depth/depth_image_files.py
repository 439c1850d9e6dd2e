"""Folders of images with depth images: the sequence, the depth files and their camera."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.image_io import file_number, image_files
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.image_sequence import ImageSequence
from denseba_ros.training.depth.depth_sources import DepthSource


def open_images(folder: Path) -> ImageSequence:
    """The sequence of image files in a folder.

    Raises:
        SequenceError: when it holds something else.
    """
    # Folders of images without stamps need a rate, which the training does not use.
    sequence = open_sequence(folder, fps=1.0)
    if not isinstance(sequence, ImageSequence):
        raise SequenceError(f"{folder}: not a sequence of image files")
    return sequence


def depth_files(source: DepthSource, folder: Path, sequence: ImageSequence) -> dict[int, Path]:
    """Depth image files by the index of the image with the same number, from ``source.start`` to
    ``source.stop``."""
    numbered = {file_number(p): p for p in image_files(folder / source.depth) if p.suffix == ".png"}
    files = {}
    for k, file in enumerate(sequence.files[: source.stop]):
        number = file_number(file.path)
        if k < source.start or number is None or number not in numbered:
            continue
        if numbered[number] != file.path:
            files[k] = numbered[number]
    return files


def depth_camera(source: DepthSource, camera: Calibration, width: int, height: int) -> Calibration:
    """The camera of the source's depth images of ``width`` and ``height``; ``camera`` is that of
    its images."""
    if source.depth_intrinsics is None:
        return camera.resized(width, height)
    return Calibration(width, height, *source.depth_intrinsics)
