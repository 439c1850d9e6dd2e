"""ROS 1 and ROS 2 bags (sqlite3 and mcap) through rosbags, which needs no ROS."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReaderError

from denseba_ros.errors import CalibrationError, ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.bag_files.bag_opening import BagReader, opened_bag
from denseba_ros.sequences.bag_files.bag_paths import storage_files
from denseba_ros.sequences.brightness.image_range import AUTO, ImageRange
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    check_size,
    resolve_calibration,
)
from denseba_ros.sequences.camera_info_message import (
    calibration_from_message,
    doubts_about_message,
    is_rectified,
)
from denseba_ros.sequences.depth_encodings import MILLIMETRES, decode_depth_message
from denseba_ros.sequences.encodings import (
    ANY_CAMERA,
    Decoding,
    decode_compressed,
    decode_image_message,
)
from denseba_ros.sequences.imu.bag_imu import read_bag_imu
from denseba_ros.sequences.pixels.jpeg import SurplusBytes
from denseba_ros.sequences.readers.bags.bag_topics import (
    COMPRESSED_IMAGE,
    choose_depth_topic,
    choose_image_topic,
    choose_info_topic,
)
from denseba_ros.sequences.readers.measured_depth import DepthRequest, StampedDepth
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.stamps.frame_drops import (
    OTHER_SIZE,
    UNREADABLE,
    FrameDrops,
    with_believed_stamps,
)
from denseba_ros.sequences.stamps.stamp_rule import StampRule
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)

LAYOUT = "a .bag, .mcap or .db3 file (also .bag.active, .zstd), or a folder of such files"
_SECOND = 1_000_000_000
# So many camera_info at most are read to find a calibration.
_MOST_INFOS = 1000


@dataclass(frozen=True)
class _Message:
    """Number in the topic, deserialised message, and its type."""

    index: int
    content: Any
    kind: str


@dataclass
class BagSequence:
    """Images of one topic; ``StampRule`` says by which clock, and which stamps are believed.

    Images that cannot be decoded or have another size, and those whose stamps are not believed, are
    left out, logged and counted in ``drops``. ``image_range`` is that of 16-bit images, see
    ``ImageRange``.
    """

    path: Path
    topic: str
    calibration: Calibration
    messages: int
    start: int = 0
    stop: int | None = None
    image_range: str = AUTO
    drops: FrameDrops = field(default_factory=FrameDrops, init=False)

    @property
    def name(self) -> str:
        """Name of the bag without its suffix."""
        return self.path.stem

    @property
    def dropped(self) -> int:
        """Number of images that the last iteration left out."""
        return self.drops.total()

    def __len__(self) -> int:
        stop = self.messages if self.stop is None else min(self.stop, self.messages)
        return max(stop - self.start, 0)

    def __iter__(self) -> Iterator[StampedImage]:
        """Decode the images in order.

        Raises:
            SequenceError: when the bag is damaged further on.
        """
        self.drops.clear()
        levels = ImageRange(self.image_range, f"{self.topic}: 16-bit images")
        how = Decoding(levels.to_8_bit, SurplusBytes())
        rule: StampRule[_Message] = StampRule(patient=True)
        with opened_bag(self.path) as reader:
            messages = self._messages(reader)
            believed = with_believed_stamps(rule, messages, self.drops, self._name_of)
            for message, stamp_ns in believed:
                try:
                    image = decode_message(message.content, message.kind, how)
                except ImageError as error:
                    self.drops.drop(UNREADABLE, self._name_of(message), str(error))
                    continue
                size = (image.shape[1], image.shape[0])
                if size != (self.calibration.width, self.calibration.height):
                    detail = f"it is {size[0]}x{size[1]}"
                    self.drops.drop(OTHER_SIZE, self._name_of(message), detail)
                    continue
                yield StampedImage(message.index, stamp_ns, image)

    def _messages(self, reader: BagReader) -> Iterator[tuple[_Message, int, int]]:
        """Each message that can be read, with the stamp of its header and its recording time."""
        raw = enumerate(reader.messages(self.topic))
        for index, (time_ns, data, kind) in islice(raw, self.start, self.stop):
            try:
                content: Any = reader.deserialize(data, kind)
            except AnyReaderError as error:
                self.drops.drop(UNREADABLE, f"{self.topic} {index}", str(error))
                continue
            yield _Message(index, content, kind), _stamp(content), time_ns

    def groundtruth(self) -> Trajectory | None:
        """None: bags have no ground truth that is read."""
        return None

    def imu(self) -> ImuSamples | None:
        """Samples of the IMU beside the camera, None without one."""
        return read_bag_imu(self.path, self.topic)

    def section(self, start: int, stop: int | None) -> BagSequence:
        """Frames ``start`` to ``stop`` - 1."""
        return replace(self, start=start, stop=stop)

    def _name_of(self, message: _Message) -> str:
        return f"{self.path}: image {message.index} of {self.topic}"


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


def open_bag_depth(path: Path, request: DepthRequest) -> Iterator[StampedDepth]:
    """The depth images of a bag in the order in which they were recorded.

    Raises:
        SequenceError: when there is no depth topic, or it is ambiguous.
    """
    with opened_bag(path) as reader:
        types = {name: info.msgtype for name, info in reader.topics.items()}
    topic = choose_depth_topic(types, request.topic, str(path))
    _log.info("%s: depth is %s", path, topic)
    return _depths(path, topic, request.units or MILLIMETRES)


def _depths(path: Path, topic: str, units: float) -> Iterator[StampedDepth]:
    with opened_bag(path) as reader:
        for _, data, kind in reader.messages(topic):
            try:
                content: Any = reader.deserialize(data, kind)
            except AnyReaderError as error:
                _log.warning("%s: left out a depth image of %s: %s", path, topic, error)
                continue
            yield StampedDepth(_stamp(content), partial(decode_depth_message, content, units))


def decode_message(message: Any, kind: str, how: Decoding = ANY_CAMERA) -> np.ndarray:
    """Pixels of a sensor_msgs Image or CompressedImage of any library."""
    if kind == COMPRESSED_IMAGE:
        return decode_compressed(message.data, message.format, how)
    return decode_image_message(message, how)


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


def _recorded(reader: BagReader, topic: str, *, rectified: bool) -> Calibration | None:
    """The first camera_info that is a calibration: a driver may begin with an empty one.

    Raises:
        CalibrationError: with the reason why the first of them is none, when no other is.
    """
    refused: CalibrationError | None = None
    for _, data, kind in islice(reader.messages(topic), _MOST_INFOS):
        info: Any = reader.deserialize(data, kind)
        try:
            calibration = calibration_from_message(info, rectified=rectified)
        except CalibrationError as error:
            refused = refused or error
            continue
        doubts = doubts_about_message(info, rectified=rectified, calibration=calibration)
        if doubts:
            _log.warning("%s: %s", topic, doubts)
        return calibration
    if refused is not None:
        raise CalibrationError(f"{topic}: {refused}") from refused
    return None
