"""A sequence of image files, the result of every folder reader."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from denseba_ros.errors import CalibrationError, ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import check_size
from denseba_ros.sequences.image_archive import read_archived_image
from denseba_ros.sequences.image_io import read_image
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)


# Images at the beginning that decide, by majority, which size is the sequence's.
_SIZED = 5


@dataclass(frozen=True)
class ImageFile:
    """The file of one frame: ``index`` in the whole sequence, stamp, path.

    The path is one inside of the zip file ``archive`` if there is one.
    """

    index: int
    stamp_ns: int
    path: Path
    archive: Path | None = None

    def read(self) -> np.ndarray:
        """The image as uint8, (H, W) grey or (H, W, 3) BGR.

        Raises:
            ImageError: when it is missing or damaged.
        """
        if self.archive is None:
            return read_image(self.path)
        return read_archived_image(self.archive, self.path)


@dataclass
class ImageSequence:
    """Frames from image files.

    Damaged files and images of another size than the calibration's are left out, logged and
    counted in ``dropped``, after the ``repeated`` rows that a listing had.
    """

    name: str
    calibration: Calibration
    files: list[ImageFile]
    read_groundtruth: Callable[[], Trajectory | None] = lambda: None
    repeated: int = 0
    dropped: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[StampedImage]:
        """Decode the images in order."""
        self.dropped = self.repeated
        for file in self.files:
            try:
                image = file.read()
                check_size(self.calibration, (image.shape[1], image.shape[0]), str(file.path))
            except (ImageError, CalibrationError) as error:
                self.dropped += 1
                _log.warning("left out: %s", error)
                continue
            yield StampedImage(file.index, file.stamp_ns, image)

    def groundtruth(self) -> Trajectory | None:
        """Trajectory of T_world_camera, None without ground truth."""
        return self.read_groundtruth()

    def section(self, start: int, stop: int | None) -> ImageSequence:
        """Frames ``start`` to ``stop`` - 1; the ground truth stays complete."""
        return replace(self, files=self.files[start:stop])


def image_size(files: Sequence[ImageFile], where: Path) -> tuple[int, int]:
    """(width, height) of most of the first images that can be read.

    Raises:
        SequenceError: naming the first broken file when there is none that can.
    """
    first_error: ImageError | None = None
    sizes: list[tuple[int, int]] = []
    for file in files:
        try:
            height, width = file.read().shape[:2]
        except ImageError as error:
            first_error = first_error or error
            continue
        sizes.append((width, height))
        if len(sizes) == _SIZED or sizes.count(sizes[0]) > _SIZED // 2:
            break
    if not sizes:
        raise SequenceError(f"{where}: no image can be read: {first_error or 'there is none'}")
    return Counter(sizes).most_common(1)[0][0]


def without_repeated(files: Sequence[ImageFile], where: Path) -> list[ImageFile]:
    """The files without those that repeat a stamp, which is logged: listings repeat rows."""
    kept = list({file.stamp_ns: file for file in reversed(files)}.values())[::-1]
    if len(kept) < len(files):
        _log.warning("%s: %d repeated rows are left out", where, len(files) - len(kept))
    return kept


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
