"""A sequence of image files, the result of every folder reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from statistics import median

from denseba_ros.errors import ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.brightness.image_range import AUTO, ImageRange
from denseba_ros.sequences.camera_info import check_size
from denseba_ros.sequences.image_io import read_image
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.stamps.frame_drops import UNREADABLE, FrameDrops, with_believed_stamps
from denseba_ros.sequences.stamps.stamp_rule import StampRule
from denseba_ros.sequences.trajectory import Trajectory


@dataclass(frozen=True)
class ImageFile:
    """The file of one frame: ``index`` in the whole sequence, stamp, path."""

    index: int
    stamp_ns: int
    path: Path


@dataclass
class ImageSequence:
    """Frames from image files.

    Damaged files, and files whose stamps ``StampRule`` does not believe, are left out, logged and
    counted in ``drops``. ``image_range`` is that of 16-bit images, see ``ImageRange``.
    """

    name: str
    calibration: Calibration
    files: list[ImageFile]
    read_groundtruth: Callable[[], Trajectory | None] = lambda: None
    image_range: str = AUTO
    drops: FrameDrops = field(default_factory=FrameDrops, init=False)

    @property
    def dropped(self) -> int:
        """Number of images that the last iteration left out."""
        return self.drops.total()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[StampedImage]:
        """Decode the images in order.

        Raises:
            CalibrationError: when an image has another size than the calibration.
        """
        self.drops.clear()
        levels = ImageRange(self.image_range, f"{self.name}: 16-bit images")
        rule: StampRule[ImageFile] = StampRule(patient=True, interval_ns=_interval(self.files))
        listed = ((file, file.stamp_ns, None) for file in self.files)
        name = attrgetter("path.name")
        for file, stamp_ns in with_believed_stamps(rule, listed, self.drops, name):
            try:
                image = read_image(file.path, levels.to_8_bit)
            except ImageError as error:
                self.drops.drop(UNREADABLE, file.path.name, str(error))
                continue
            check_size(self.calibration, (image.shape[1], image.shape[0]), str(file.path))
            yield StampedImage(file.index, stamp_ns, image)

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


def _interval(files: Sequence[ImageFile]) -> int | None:
    """The usual time (ns) between two files, None where stamps never rise."""
    steps = [b.stamp_ns - a.stamp_ns for a, b in pairwise(files) if b.stamp_ns > a.stamp_ns]
    return round(median(steps)) if steps else None
