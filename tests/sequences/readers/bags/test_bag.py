"""Bags of both ROS generations: what is written is read, and what is broken is said."""

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.bag_writer import write_bag
from denseba_ros.sequences.readers.bags.bag import BagSequence, open_bag
from denseba_ros.sequences.readers.bags.bag_topics import (
    CAMERA_INFO,
    IMAGE,
    choose_image_topic,
    is_depth,
)
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import StampedImage

KINDS = [
    {"storage": "sqlite3"},
    {"storage": "mcap"},
    {"ros1": True},
    {"storage": "sqlite3", "compressed": "jpeg"},
    {"storage": "mcap", "compressed": "png"},
    {"ros1": True, "compressed": "jpeg"},
]
STORE = get_typestore(Stores.ROS2_JAZZY)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: "-".join(map(str, k.values())))
def test_what_is_written_is_read(tmp_path: Path, room: RoomSequence, kind: dict) -> None:
    path = tmp_path / ("room.bag" if kind.get("ros1") else "room")
    write_bag(path, room, **kind)
    sequence = open_bag(path)
    assert sequence.calibration == room.calibration
    assert len(sequence) == len(room)
    tolerance = 40 if kind.get("compressed") == "jpeg" else 0
    for original, read in zip(room, sequence, strict=True):
        assert (read.index, read.stamp_ns) == (original.index, original.stamp_ns)
        assert np.abs(read.image.astype(int) - original.image).max() <= tolerance
    part = sequence.section(1, 3)
    assert [f.index for f in part] == [1, 2]
    assert len(part) == 2


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_without_metadata_the_storage_file_is_enough(
    tmp_path: Path, room: RoomSequence, storage: Any
) -> None:
    path = tmp_path / "bag"
    write_bag(path, room, storage=storage)
    (path / "metadata.yaml").unlink()
    assert len(list(open_bag(path))) == len(room)
    file = next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    assert len(list(open_bag(file))) == len(room)


class Lens:
    """The room's frames in colour with a distorted calibration."""

    name, dropped = "lens", 0
    calibration = Calibration(
        96, 72, 80.0, 80.0, 48.0, 36.0, "equidistant", (0.01, 0.02, -0.01, 0.003)
    )

    def __init__(self, room: RoomSequence) -> None:
        self.room = room

    def __len__(self) -> int:
        return len(self.room)

    def __iter__(self) -> Any:
        for f in self.room:
            yield StampedImage(
                f.index, f.stamp_ns, np.stack([f.image, f.image // 2, f.image // 3], -1)
            )

    def groundtruth(self) -> None:
        return None


@pytest.mark.parametrize("ros1", [False, True])
def test_colour_and_distortion_survive(tmp_path: Path, room: RoomSequence, ros1: bool) -> None:
    lens = Lens(room)
    write_bag(tmp_path / "x.bag", lens, ros1=ros1)
    sequence = open_bag(tmp_path / "x.bag")
    assert sequence.calibration == lens.calibration
    assert np.array_equal(next(iter(sequence)).image, next(iter(lens)).image)


def message(kind: str, stamp_ns: int, **fields: Any) -> Any:
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    stamp = STORE.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    header = STORE.types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")
    return STORE.types[kind](header=header, **fields)


def image(stamp_ns: int, encoding: str = "mono8", grey: int = 7) -> Any:
    pixels = np.full(24 * 32, grey, np.uint8)
    return message(
        IMAGE, stamp_ns, height=24, width=32, encoding=encoding, is_bigendian=0, step=32,
        data=pixels,
    )  # fmt: skip


def info(fx: float = 30.0, projected: float = 0.0, width: int = 32) -> Any:
    k = np.array([fx, 0, 16, 0, fx, 12, 0, 0, 1])
    p = np.array([projected, 0, 15, 0, 0, projected, 11, 0, 0, 0, 1, 0])
    roi = STORE.types["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return message(
        CAMERA_INFO, 0, height=24, width=width, distortion_model="plumb_bob",
        d=np.array([-0.1, 0.01, 0, 0, 0]), k=k, r=np.eye(3).ravel(), p=p, binning_x=0,
        binning_y=0, roi=roi,
    )  # fmt: skip


def write(path: Path, messages: list[tuple[str, str, int, Any]]) -> Path:
    """A bag of (topic, type, recording time, message)."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topics = {
            topic: writer.add_connection(topic, kind, typestore=STORE)
            for topic, kind in {m[0]: m[1] for m in messages}.items()
        }
        for topic, kind, time_ns, content in messages:
            writer.write(topics[topic], time_ns, STORE.serialize_cdr(content, kind))
    return path


def test_several_cameras_must_be_chosen_from(tmp_path: Path) -> None:
    path = write(
        tmp_path / "b",
        [
            ("/left/image_raw", IMAGE, 1, image(1, grey=1)),
            ("/right/image_raw", IMAGE, 1, image(1, grey=2)),
            ("/right/camera_info", CAMERA_INFO, 1, info(40.0)),
            ("/left/camera_info", CAMERA_INFO, 1, info(30.0)),
        ],
    )
    with pytest.raises(
        SequenceError,
        match=r"2 image topics, choose one with --topic: /left/image_raw, /right/image_raw",
    ):
        open_bag(path)
    with pytest.raises(SequenceError, match=r"no image topic /front.*there are: /left"):
        open_bag(path, topic="front")
    sequence = open_bag(path, topic="right/image_raw")
    assert sequence.calibration.fx == 40.0
    assert next(iter(sequence)).image[0, 0] == 2


@pytest.mark.parametrize(
    "depth",
    [
        "/camera/depth/image_rect_raw",
        "/camera/aligned_depth_to_color/image_raw",
        "/kinect2/hd/image_depth_rect",
        "/zed/depth/depth_registered",
        "/stereo/disparity",
        "/depth_to_rgb/image_raw",
    ],
)
def test_depth_is_no_camera(depth: str) -> None:
    types = {"/camera/color/image_raw": IMAGE, depth: IMAGE, f"{depth}/compressedDepth": IMAGE}
    assert choose_image_topic(types, None, "bag") == "/camera/color/image_raw"
    assert choose_image_topic(types, depth, "bag") == depth
    with pytest.raises(SequenceError, match=f"no camera, only depth: {depth}; --topic"):
        choose_image_topic({depth: IMAGE}, None, "bag")
    assert not is_depth("/depth_camera/image_raw")
    assert not is_depth("/depth_camera/rgb/image_raw")


def test_a_bag_without_images_lists_its_topics(tmp_path: Path) -> None:
    path = write(tmp_path / "b", [("/camera_info", CAMERA_INFO, 1, info())])
    with pytest.raises(SequenceError, match=r"0 image topics.*all topics: /camera_info"):
        open_bag(path)


def test_a_rectified_image_has_the_projection_matrix(tmp_path: Path) -> None:
    path = write(
        tmp_path / "b",
        [
            ("/cam/image_rect", IMAGE, 1, image(1)),
            ("/cam/camera_info", CAMERA_INFO, 1, info(projected=25.0)),
        ],
    )
    c = open_bag(path).calibration
    assert (c.fx, c.cx, c.cy, c.model) == (25.0, 15.0, 11.0, "none")


def test_calibration_is_needed_and_must_fit(tmp_path: Path) -> None:
    bare = write(tmp_path / "bare", [("/image", IMAGE, 1, image(1))])
    with pytest.raises(CalibrationError, match="no camera_info beside /image"):
        open_bag(bare)
    assert open_bag(bare, "30,30,16,12").calibration.width == 32
    other = [("/image", IMAGE, 1, image(1)), ("/camera_info", CAMERA_INFO, 1, info(width=64))]
    with pytest.raises(CalibrationError, match="32x24"):
        open_bag(write(tmp_path / "other", other))
    uncalibrated = [("/image", IMAGE, 1, image(1)), ("/camera_info", CAMERA_INFO, 1, info(0.0))]
    with pytest.raises(CalibrationError, match=r"/camera_info.*not calibrated"):
        open_bag(write(tmp_path / "zero", uncalibrated))


def test_a_first_camera_info_that_is_zero_is_passed_over(tmp_path: Path) -> None:
    infos = [("/camera_info", CAMERA_INFO, i, info(0.0 if i < 3 else 30.0)) for i in range(1, 6)]
    sequence = open_bag(write(tmp_path / "b", [("/image", IMAGE, 1, image(1)), *infos]))
    assert sequence.calibration.fx == 30.0


def test_region_and_binning_of_a_bag_are_applied(tmp_path: Path) -> None:
    binned = info(60.0, width=64)
    binned.height, binned.k[[2, 5]] = 48, (32.0, 24.0)
    binned.binning_x = binned.binning_y = 2
    path = write(tmp_path / "b", [("/i", IMAGE, 1, image(1)), ("/c", CAMERA_INFO, 1, binned)])
    assert open_bag(path).calibration.fx == 30.0


def test_bad_images_and_late_ones_are_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stamps = [100, 200, 150, 300]
    messages = [("/image", IMAGE, s, image(s)) for s in stamps]
    messages.insert(1, ("/image", IMAGE, 120, image(120, encoding="nonsense")))
    messages.append(("/image", IMAGE, 400, image(0)))
    sequence = open_bag(write(tmp_path / "b", messages), "30,30,16,12")
    with caplog.at_level(logging.WARNING):
        frames = list(sequence)
    # The order of a bag is that of recording; one clock, and zero is no stamp of it.
    assert [f.stamp_ns for f in frames] == [100, 150, 200, 300]
    assert sequence.drops == {"unreadable": 1, "no stamp": 1}
    assert "unknown encoding 'nonsense'" in caplog.text


def test_stamps_that_go_back_are_dropped(tmp_path: Path) -> None:
    messages = [("/image", IMAGE, i, image(s)) for i, s in enumerate([100, 300, 200, 400], 1)]
    sequence = open_bag(write(tmp_path / "b", messages), "30,30,16,12")
    assert [f.stamp_ns for f in sequence] == [100, 300, 400]
    assert sequence.dropped == 1


@pytest.mark.parametrize("kind", KINDS[:3], ids=lambda k: "-".join(map(str, k.values())))
def test_a_bag_cut_off_anywhere_gives_what_is_there_or_an_error_that_names_it(
    tmp_path: Path, room: RoomSequence, kind: dict, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cut.bag"
    write_bag(path, room, **kind)
    file = path if path.is_file() else next(p for p in path.iterdir() if p.suffix != ".yaml")
    data = file.read_bytes()
    counts = []
    for share in (0.0, 0.01, 0.3, 0.6, 0.9):
        file.write_bytes(data[: int(share * len(data))])
        caplog.clear()
        try:
            with caplog.at_level(logging.WARNING):
                counts.append(len(list(open_bag(path))))
        except SequenceError as error:
            assert re.search(r"cut\.bag", str(error))  # noqa: PT017
        else:
            assert "the recording was cut off" in caplog.text
    # Files of sqlite3 are not read without their tables.
    assert counts == sorted(counts)
    assert (len(counts) >= 3) == (kind.get("storage") != "sqlite3")


def test_an_existing_path_is_not_overwritten(tmp_path: Path, room: RoomSequence) -> None:
    with pytest.raises(SequenceError, match="exists already"):
        write_bag(tmp_path, room)


WALL = 1_700_000_000 * 10**9


def stamped(path: Path, stamps: list[int]) -> BagSequence:
    """A bag of images with these stamps, recorded every 100 ms."""
    messages = [("/image", IMAGE, WALL + i * 10**8, image(s)) for i, s in enumerate(stamps)]
    return open_bag(write(path, messages), "30,30,16,12")


def test_a_replay_that_begins_at_zero_and_was_recorded_is_complete(tmp_path: Path) -> None:
    stamps = [i * 10**8 for i in range(20)]
    sequence = stamped(tmp_path / "b", stamps)
    assert [f.stamp_ns for f in sequence] == stamps
    assert sequence.dropped == 0


@pytest.mark.parametrize("first", [0, WALL + 3 * 10**9, WALL - 10**15])
def test_a_wrong_first_stamp_costs_one_image_at_most(tmp_path: Path, first: int) -> None:
    stamps = [first, *(WALL + i * 10**8 for i in range(1, 20))]
    sequence = stamped(tmp_path / "b", stamps)
    assert [f.stamp_ns for f in sequence][-19:] == stamps[1:]


def test_stamps_that_go_back_are_counted_as_that(tmp_path: Path) -> None:
    stamps = [WALL + i * 10**8 - (10**10 if i >= 12 else 0) for i in range(36)]
    sequence = stamped(tmp_path / "b", stamps)
    assert len(list(sequence)) == 12
    assert sequence.drops == {"stamps go back": 24}


def test_without_any_stamps_the_time_of_recording_counts(tmp_path: Path) -> None:
    sequence = stamped(tmp_path / "b", [0] * 9)
    assert [f.stamp_ns for f in sequence] == [WALL + i * 10**8 for i in range(9)]
