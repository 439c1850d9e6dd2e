"""A sequence of image files, the result of every folder reader."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from denseba_ros.errors import ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_source import check_size
from denseba_ros.sequences.image_io import read_image
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFile:
    """The file of one frame: ``index`` in the whole sequence, stamp, path."""

    index: int
    stamp_ns: int
    path: Path


@dataclass
class ImageSequence:
    """Frames from image files. Damaged files are skipped, logged and counted in ``dropped``."""

    name: str
    calibration: Calibration
    files: list[ImageFile]
    read_groundtruth: Callable[[], Trajectory | None] = lambda: None
    dropped: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[StampedImage]:
        """Decode the images in order.

        Raises:
            CalibrationError: when an image has another size than the calibration.
        """
        self.dropped = 0
        for file in self.files:
            try:
                image = read_image(file.path)
            except ImageError as error:
                self.dropped += 1
                _log.warning("left out: %s", error)
                continue
            check_size(self.calibration, (image.shape[1], image.shape[0]), str(file.path))
            yield StampedImage(file.index, file.stamp_ns, image)

    def groundtruth(self) -> Trajectory | None:
        """Trajectory of T_world_camera, None without ground truth."""
        return self.read_groundtruth()

    def section(self, start: int, stop: int | None) -> ImageSequence:
        """Frames ``start`` to ``stop`` - 1; the ground truth stays complete."""
        return replace(self, files=self.files[start:stop])


def image_size(paths: Sequence[Path], where: Path) -> tuple[int, int]:
    """(width, height) of the first image that can be read.

    Raises:
        SequenceError: naming the first broken file when there is none that can.
    """
    first_error: ImageError | None = None
    for path in paths:
        try:
            height, width = read_image(path).shape[:2]
        except ImageError as error:
            first_error = first_error or error
            continue
        return width, height
    raise SequenceError(f"{where}: no image can be read: {first_error or 'there is none'}")


def check_rising(files: Sequence[ImageFile], where: Path) -> None:
    """Check the order of stamps.

    Raises:
        SequenceError: when the stamps do not increase from file to file.
    """
    for before, after in pairwise(files):
        if after.stamp_ns <= before.stamp_ns:
            raise SequenceError(
                f"{where}: {after.path.name} is not later than {before.path.name} "
                f"({after.stamp_ns} ns after {before.stamp_ns} ns)"
            )
