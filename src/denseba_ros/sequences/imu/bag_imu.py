"""The IMU of a bag: one topic of sensor_msgs/Imu."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from rosbags.highlevel import AnyReaderError

from denseba_ros.imu.recorded import sorted_samples
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.bag_files.bag_opening import opened_bag
from denseba_ros.sequences.imu.imu_message import IMU, values_of_imu_message

_log = logging.getLogger(__name__)
_SECOND = 1_000_000_000


def read_bag_imu(path: Path, image_topic: str) -> ImuSamples | None:
    """Samples of the IMU beside ``image_topic``, None where the bag has none or several.

    Raises:
        SequenceError: when the bag cannot be read.
    """
    with opened_bag(path) as reader:
        types = {name: info.msgtype for name, info in reader.topics.items()}
        topic = choose_imu_topic(types, image_topic, str(path))
        if topic is None:
            return None
        stamps: list[int] = []
        values: list[tuple[float, ...]] = []
        for _, data, kind in reader.messages(topic):
            try:
                message = reader.deserialize(data, kind)
            except AnyReaderError as error:
                _log.warning("%s: left out a sample of %s: %s", path, topic, error)
                continue
            stamp = message.header.stamp
            stamps.append(int(stamp.sec) * _SECOND + int(stamp.nanosec))
            rate, force = values_of_imu_message(message)
            values.append((*rate, *force))
    _log.info("%s: the IMU is %s", path, topic)
    return sorted_samples(stamps, values, f"{path}: {topic}")


def choose_imu_topic(types: Mapping[str, str | None], image_topic: str, where: str) -> str | None:
    """The only topic of an IMU, else the only one in the first name of ``image_topic``.

    None, with a warning that lists them, where that leaves several. ``types`` maps each topic to
    its message type.
    """
    topics = sorted(topic for topic, kind in types.items() if kind == IMU)
    beside = [t for t in topics if t.split("/")[1:2] == image_topic.split("/")[1:2]]
    for chosen in (topics, beside):
        if len(chosen) == 1:
            return chosen[0]
    if topics:
        _log.warning("%s: several IMUs, none is read: %s", where, ", ".join(topics))
    return None
