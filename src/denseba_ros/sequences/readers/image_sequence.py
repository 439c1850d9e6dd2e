"""A sequence of image files, the result of every folder reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from statistics import median

import numpy as np

from denseba_ros.errors import CalibrationError, ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.brightness.image_range import AUTO, ImageRange
from denseba_ros.sequences.calibration_files.calibration_source import check_size
from denseba_ros.sequences.encodings import ANY_CAMERA, Decoding
from denseba_ros.sequences.image_archive import read_archived_image
from denseba_ros.sequences.image_io import read_image
from denseba_ros.sequences.pixels.jpeg import SurplusBytes
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.stamps.frame_drops import (
    OTHER_SIZE,
    UNREADABLE,
    FrameDrops,
    with_believed_stamps,
)
from denseba_ros.sequences.stamps.stamp_rule import StampRule
from denseba_ros.sequences.trajectory import Trajectory

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

    def read(self, how: Decoding = ANY_CAMERA) -> np.ndarray:
        """The image as uint8, (H, W) grey or (H, W, 3) BGR.

        Raises:
            ImageError: when it is missing or damaged.
        """
        if self.archive is None:
            return read_image(self.path, how)
        return read_archived_image(self.archive, self.path, how)


@dataclass
class ImageSequence:
    """Frames from image files.

    Damaged files, images of another size than the calibration's, and files whose stamps
    ``StampRule`` does not believe, are left out, logged and counted in ``drops``. ``image_range``
    is that of 16-bit images, see ``ImageRange``.
    """

    name: str
    calibration: Calibration
    files: list[ImageFile]
    read_groundtruth: Callable[[], Trajectory | None] = lambda: None
    image_range: str = AUTO
    read_imu: Callable[[], ImuSamples | None] = lambda: None
    read_imu_extrinsics: Callable[[], np.ndarray | None] = lambda: None
    drops: FrameDrops = field(default_factory=FrameDrops, init=False)

    @property
    def dropped(self) -> int:
        """Number of images that the last iteration left out."""
        return self.drops.total()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[StampedImage]:
        """Decode the images in order."""
        self.drops.clear()
        levels = ImageRange(self.image_range, f"{self.name}: 16-bit images")
        how = Decoding(levels.to_8_bit, SurplusBytes())
        rule: StampRule[ImageFile] = StampRule(patient=True, interval_ns=_interval(self.files))
        listed = ((file, file.stamp_ns, None) for file in self.files)
        name = attrgetter("path.name")
        for file, stamp_ns in with_believed_stamps(rule, listed, self.drops, name):
            try:
                image = file.read(how)
            except ImageError as error:
                self.drops.drop(UNREADABLE, file.path.name, str(error))
                continue
            try:
                check_size(self.calibration, (image.shape[1], image.shape[0]), file.path.name)
            except CalibrationError as error:
                self.drops.drop(OTHER_SIZE, file.path.name, str(error))
                continue
            yield StampedImage(file.index, stamp_ns, image)

    def groundtruth(self) -> Trajectory | None:
        """Trajectory of T_world_camera, None without ground truth."""
        return self.read_groundtruth()

    def imu(self) -> ImuSamples | None:
        """Samples of the IMU beside the camera, None without one."""
        return self.read_imu()

    def imu_extrinsics(self) -> np.ndarray | None:
        """T_imu_camera (4, 4) in metres, None where the files do not tell it."""
        return self.read_imu_extrinsics()

    def section(self, start: int, stop: int | None) -> ImageSequence:
        """Frames ``start`` to ``stop`` - 1; ground truth and IMU stay complete."""
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


def _interval(files: Sequence[ImageFile]) -> int | None:
    """The usual time (ns) between two files, None where stamps never rise."""
    steps = [b.stamp_ns - a.stamp_ns for a, b in pairwise(files) if b.stamp_ns > a.stamp_ns]
    return round(median(steps)) if steps else None
