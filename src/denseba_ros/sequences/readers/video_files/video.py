"""Video files through OpenCV."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    resolve_calibration,
)
from denseba_ros.sequences.readers.video_files.video_rotation import fit_to_rotation
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.stamps.frame_drops import FrameDrops
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)

LAYOUT = "a file .mp4, .avi, .mov, .mkv, .webm, .m4v, .mpg, .ts or .wmv"
_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".ts", ".wmv"})
_SECOND = 1_000_000_000
MISSING = "announced by the file, but not there"
_DEFAULT_FPS = 30.0


@dataclass
class VideoSequence:
    """Frames of a video file.

    Stamps are the file's own presentation times, or i / fps where ``restamp`` or where they do not
    rise. Frames that the file announces but does not hold, or that have another size, are counted
    in ``drops``. The images are as the sensor recorded them unless ``turned``.
    """

    path: Path
    calibration: Calibration
    announced: int
    fps: float
    restamp: bool
    turned: bool = False
    start: int = 0
    drops: FrameDrops = field(default_factory=FrameDrops, init=False)

    @property
    def name(self) -> str:
        """Name of the file without its suffix."""
        return self.path.stem

    @property
    def dropped(self) -> int:
        """Number of frames that the last iteration did not find."""
        return self.drops.total()

    def __len__(self) -> int:
        return self.announced - self.start

    def __iter__(self) -> Iterator[StampedImage]:
        self.drops.clear()
        capture = _capture(self.path, self.turned)
        size = (self.calibration.height, self.calibration.width)
        given, last_ns = 0, -1
        try:
            for index in itertools.islice(itertools.count(), self.announced):
                if not capture.grab():
                    break
                stamp_ns = self._stamp(index, capture.get(cv2.CAP_PROP_POS_MSEC), last_ns)
                last_ns = stamp_ns
                if index < self.start:
                    continue
                read, image = capture.retrieve()
                if read and image.shape[:2] == size:
                    given += 1
                    yield StampedImage(index, stamp_ns, image)
        finally:
            capture.release()
        if missing := len(self) - given:
            self.drops[MISSING] = missing
            _log.warning(
                "%s: %d announced frames are not there, or have another size", self.path, missing
            )

    def groundtruth(self) -> Trajectory | None:
        """None: videos have no ground truth."""
        return None

    def section(self, start: int, stop: int | None) -> VideoSequence:
        """Frames ``start`` to ``stop`` - 1."""
        announced = self.announced if stop is None else min(stop, self.announced)
        return replace(self, start=start, announced=announced)

    def _stamp(self, index: int, milliseconds: float, last_ns: int) -> int:
        if self.restamp:
            return round(index * _SECOND / self.fps)
        stamp_ns = round(milliseconds * 1e6)
        return stamp_ns if stamp_ns > last_ns else last_ns + round(_SECOND / self.fps)


def looks_like_video(path: Path) -> bool:
    """Whether the path is a file with the suffix of a video."""
    return path.is_file() and path.suffix.lower() in _SUFFIXES


def open_video(
    path: Path, calibration: CalibrationSource = None, fps: float | None = None
) -> VideoSequence:
    """A video with the calibration given, or ``NAME.yaml`` (camera_info) beside the file.

    Raises:
        SequenceError: when OpenCV cannot read it.
        CalibrationError: when there is no calibration or it does not fit.
    """
    capture = _capture(path)
    try:
        read, image = capture.read()
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        own_fps = capture.get(cv2.CAP_PROP_FPS)
        degrees = round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
    finally:
        capture.release()
    if not read:
        raise SequenceError(f"{path}: no frame can be decoded")
    size = (image.shape[1], image.shape[0])
    beside = path.with_suffix(".yaml")
    source = beside if calibration is None and beside.is_file() else calibration
    resolved: Calibration | None = None
    turned = False
    if source is not None and degrees in (90, 180, 270):
        resolved, turned = fit_to_rotation(source, path, size, degrees)
    elif source is not None:
        resolved = resolve_calibration(source, path.parent, size, ())
    if resolved is None:
        raise CalibrationError(
            f"{path}: a video has no calibration; give the intrinsics "
            f"(--intrinsics fx,fy,cx,cy) or a camera_info file {path.stem}.yaml beside it"
        )
    rate = fps if fps is not None else own_fps
    if not (math.isfinite(rate) and rate > 0.0):
        _log.warning("%s: states no frame rate, taking %g Hz", path, _DEFAULT_FPS)
        rate = _DEFAULT_FPS
    count = round(announced) if announced >= 1 else _count(path)
    return VideoSequence(path, resolved, count, rate, restamp=fps is not None, turned=turned)


def _capture(path: Path, turned: bool = False) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise SequenceError(f"{path}: no video that OpenCV can open")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, float(turned))
    return capture


def _count(path: Path) -> int:
    """Number of frames of a file without this number, as of many live recordings."""
    capture = _capture(path)
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count
