"""ROS 1 and ROS 2 bags (sqlite3 and mcap) through rosbags, which needs no ROS."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReaderError

from denseba_ros.errors import CalibrationError, ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.bag_files.bag_opening import BagReader, opened_bag
from denseba_ros.sequences.bag_files.bag_paths import storage_files
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.camera_info import calibration_from_fields
from denseba_ros.sequences.encodings import decode_compressed, decode_image
from denseba_ros.sequences.readers.bag_topics import (
    COMPRESSED_IMAGE,
    choose_image_topic,
    choose_info_topic,
    is_rectified,
)
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)

LAYOUT = "a .bag, .mcap or .db3 file (also .bag.active, .zstd), or a folder of such files"
_SECOND = 1_000_000_000


@dataclass
class BagSequence:
    """Images of one topic; the stamp is the header's, or the recording time if that is zero.

    Images that cannot be decoded, and images that are not later than the one before, are left
    out, logged and counted in ``dropped``.
    """

    path: Path
    topic: str
    calibration: Calibration
    messages: int
    start: int = 0
    stop: int | None = None
    dropped: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """Name of the bag without its suffix."""
        return self.path.stem

    def __len__(self) -> int:
        stop = self.messages if self.stop is None else min(self.stop, self.messages)
        return max(stop - self.start, 0)

    def __iter__(self) -> Iterator[StampedImage]:
        """Decode the images in order.

        Raises:
            SequenceError: when the bag is truncated.
            CalibrationError: on an image of another size.
        """
        self.dropped = 0
        last_ns = -1
        with opened_bag(self.path) as reader:
            raw = reader.messages(self.topic)
            for index, (time_ns, data, kind) in islice(enumerate(raw), self.start, self.stop):
                try:
                    message = reader.deserialize(data, kind)
                    image = decode_message(message, kind)
                except (ImageError, AnyReaderError) as error:
                    self._drop(index, str(error))
                    continue
                stamp_ns = _stamp(message) or time_ns
                if stamp_ns <= last_ns:
                    self._drop(index, f"its stamp {stamp_ns} ns is not after {last_ns} ns")
                    continue
                last_ns = stamp_ns
                size = (image.shape[1], image.shape[0])
                check_size(self.calibration, size, f"{self.path}: {self.topic}")
                yield StampedImage(index, stamp_ns, image)

    def groundtruth(self) -> Trajectory | None:
        """None: bags have no ground truth that is read."""
        return None

    def section(self, start: int, stop: int | None) -> BagSequence:
        """Frames ``start`` to ``stop`` - 1."""
        return replace(self, start=start, stop=stop)

    def _drop(self, index: int, reason: str) -> None:
        self.dropped += 1
        _log.warning("%s: left out image %d of %s: %s", self.path, index, self.topic, reason)


def looks_like_bag(path: Path) -> bool:
    """Whether the path is a ROS 1 or ROS 2 bag."""
    return (path / "metadata.yaml").is_file() or bool(storage_files(path))


def open_bag(
    path: Path, calibration: CalibrationSource = None, topic: str | None = None
) -> BagSequence:
    """The images of one topic with the camera_info beside it, unless ``calibration`` is given.

    Raises:
        SequenceError: when it is no readable bag, or the topic is missing or ambiguous.
        CalibrationError: when there is no calibration or it does not fit the images.
    """
    with opened_bag(path) as reader:
        types = {name: info.msgtype for name, info in reader.topics.items()}
        chosen = choose_image_topic(types, topic, str(path))
        count = reader.topics[chosen].msgcount
        size = _first_size(reader, chosen, path)
        info_topic = choose_info_topic(types, chosen)
        resolved = resolve_calibration(calibration, path, size, candidates=())
        if resolved is None and info_topic is not None:
            resolved = _recorded(reader, info_topic, rectified=is_rectified(chosen))
    if resolved is None:
        raise CalibrationError(
            f"{path}: no camera_info beside {chosen}; "
            "give the intrinsics (--intrinsics fx,fy,cx,cy)"
        )
    check_size(resolved, size, f"{path}: {chosen}")
    return BagSequence(path, chosen, resolved, count)


def decode_message(message: Any, kind: str) -> np.ndarray:
    """Pixels of a sensor_msgs Image or CompressedImage of any library."""
    if kind == COMPRESSED_IMAGE:
        return decode_compressed(message.data, message.format)
    return decode_image(
        message.data,
        message.encoding,
        message.width,
        message.height,
        message.step,
        bool(message.is_bigendian),
    )


def _stamp(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * _SECOND + int(stamp.nanosec)


def _first_size(reader: BagReader, topic: str, path: Path) -> tuple[int, int]:
    """(width, height) of the first image that can be decoded."""
    reason = "it has no messages"
    for _, data, kind in reader.messages(topic):
        try:
            height, width = decode_message(reader.deserialize(data, kind), kind).shape[:2]
        except (ImageError, AnyReaderError) as error:
            reason = str(error)
            continue
        return width, height
    raise SequenceError(f"{path}: no image of {topic} can be read: {reason}")


def _recorded(reader: BagReader, topic: str, rectified: bool) -> Calibration | None:
    """The first camera_info; of a rectified image the projection matrix without distortion."""
    first = next(reader.messages(topic), None)
    if first is None:
        return None
    _, data, kind = first
    info: Any = reader.deserialize(data, kind)
    # ROS 1 writes the field names in capitals.
    k, d, p = (info.k, info.d, info.p) if hasattr(info, "k") else (info.K, info.D, info.P)
    if rectified and p[0] > 0.0:
        k, d = [*p[0:3], *p[4:7], *p[8:11]], []
    try:
        return calibration_from_fields(info.width, info.height, k, info.distortion_model, d)
    except CalibrationError as error:
        raise CalibrationError(f"{topic}: {error}") from error
