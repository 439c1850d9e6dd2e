"""The IMU of a bag: what is written is read; the topic is chosen or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.bag_writer import write_bag
from denseba_ros.sequences.imu.bag_imu import choose_imu_topic
from denseba_ros.sequences.imu.imu_message import IMU
from denseba_ros.sequences.readers.bags.bag import open_bag
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import imu_of

SAMPLES = ImuSamples(
    np.arange(20, dtype=np.int64) * 5_000_000 + 10**9,
    np.random.default_rng(0).standard_normal((20, 3)),
    np.random.default_rng(1).standard_normal((20, 3)),
)


class InertialRoom(RoomSequence):
    """The room with an IMU."""

    def imu(self) -> ImuSamples:
        return SAMPLES


@pytest.mark.parametrize("ros1", [False, True])
def test_what_is_written_is_read(tmp_path: Path, ros1: bool) -> None:
    path = tmp_path / "x.bag"
    write_bag(path, InertialRoom("sweep", 2, 96, 72), ros1=ros1)
    found = imu_of(open_bag(path).section(0, 1))
    assert found is not None
    np.testing.assert_array_equal(found.stamp_ns, SAMPLES.stamp_ns)
    np.testing.assert_array_equal(found.gyroscope, SAMPLES.gyroscope)
    np.testing.assert_array_equal(found.accelerometer, SAMPLES.accelerometer)


def test_a_bag_without_imu(tmp_path: Path, room: RoomSequence) -> None:
    write_bag(tmp_path / "x.bag", room)
    assert imu_of(open_bag(tmp_path / "x.bag")) is None
    assert imu_of(room) is None


def test_choice_of_the_topic(caplog: pytest.LogCaptureFixture) -> None:
    image = "/front/camera/image_raw"
    assert choose_imu_topic({"/x/imu": IMU, image: "y"}, image, "bag") == "/x/imu"
    both = {"/x/imu": IMU, "/front/imu": IMU, "/a": "b"}
    assert choose_imu_topic(both, image, "bag") == "/front/imu"
    assert choose_imu_topic({"/a": "b"}, image, "bag") is None
    assert not caplog.text
    assert choose_imu_topic({"/x/imu": IMU, "/y/imu": IMU}, image, "bag") is None
    assert "several IMUs, none is read: /x/imu, /y/imu" in caplog.text
