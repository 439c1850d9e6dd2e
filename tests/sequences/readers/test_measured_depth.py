"""Depth images beside the camera's: TUM folders and bags, joined by their stamps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.bags.bag_topics import IMAGE, choose_depth_topic
from denseba_ros.sequences.readers.measured_depth import (
    DepthRequest,
    NearestInTime,
    StampedDepth,
)
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

STORE = get_typestore(Stores.ROS2_JAZZY)


def test_the_nearest_within_the_tolerance_is_taken() -> None:
    depths = [StampedDepth(t, lambda t=t: np.full((1, 1), t)) for t in (8, 11, 19, 40)]
    nearest = NearestInTime(iter(depths), 3)
    found = [nearest.at(t) for t in (10, 20, 30, 41, 90)]
    assert [None if f is None else f.stamp_ns for f in found] == [11, 19, None, 40, None]


def test_a_tum_folder_has_depth_of_its_images(tmp_path: Path, room: RoomSequence) -> None:
    write_rendered(tmp_path / "room", room)
    rows = (tmp_path / "room/depth.txt").read_text().splitlines()
    (tmp_path / "room/depth.txt").write_text("\n".join(rows[:1] + rows[2:]))  # not of the first
    (tmp_path / "room" / rows[3].split()[1]).write_bytes(b"broken")
    frames = list(open_sequence(tmp_path / "room", depth=DepthRequest()))
    assert [f.depth is None for f in frames] == [True, False, True, False, False]
    depth = frames[1].depth
    assert depth is not None
    assert np.allclose(depth, room.depth(1), atol=2e-4)
    part = open_sequence(tmp_path / "room", start=3, depth=DepthRequest(units=2500.0))
    first = next(iter(part)).depth
    assert first is not None
    assert np.allclose(first, 2 * room.depth(3), atol=4e-4)
    assert all(f.depth is None for f in open_sequence(tmp_path / "room"))


def test_what_has_no_depth_says_so(tmp_path: Path, room: RoomSequence) -> None:
    write_rendered(tmp_path / "room", room)
    (tmp_path / "room/depth.txt").unlink()
    with pytest.raises(SequenceError, match=r"depth\.txt"):
        open_sequence(tmp_path / "room", depth=DepthRequest())
    with pytest.raises(SequenceError, match="is read as images"):
        open_sequence(
            tmp_path / "room/rgb", fps=30, calibration=room.calibration, depth=DepthRequest()
        )


def _message(stamp_ns: int, encoding: str, pixels: np.ndarray) -> Any:
    stamp = STORE.types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    return STORE.types[IMAGE](
        header=STORE.types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera"),
        height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, is_bigendian=0,
        step=pixels.strides[0], data=np.frombuffer(pixels.tobytes(), np.uint8),
    )  # fmt: skip


def test_a_bag_has_depth_of_its_images(tmp_path: Path, room: RoomSequence) -> None:
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        images = writer.add_connection("/camera/image_raw", IMAGE, typestore=STORE)
        depths = writer.add_connection("/camera/depth/image_rect", IMAGE, typestore=STORE)
        for frame in room:
            late = frame.stamp_ns + 5_000_000
            for topic, stamp, encoding, pixels in (
                (images, frame.stamp_ns, "mono8", frame.image),
                (depths, late, "32FC1", room.depth(frame.index).astype(np.float32)),
            ):
                message = _message(stamp, encoding, pixels)
                writer.write(topic, stamp, STORE.serialize_cdr(message, IMAGE))
    calibration = room.calibration
    for frame in open_sequence(tmp_path / "bag", calibration=calibration, depth=DepthRequest()):
        assert frame.depth is not None
        assert np.allclose(frame.depth, room.depth(frame.index), atol=1e-5)
    exact = DepthRequest(tolerance_ns=0)
    frames = open_sequence(tmp_path / "bag", calibration=calibration, depth=exact)
    assert all(frame.depth is None for frame in frames)


def test_the_registered_topic_is_chosen() -> None:
    plain, aligned = "/camera/depth/image_rect_raw", "/camera/aligned_depth_to_color/image_raw"
    types = dict.fromkeys(["/camera/color/image_raw", plain], IMAGE)
    assert choose_depth_topic(types, None, "x") == plain
    assert choose_depth_topic({**types, aligned: IMAGE}, None, "x") == aligned
    assert choose_depth_topic({**types, aligned: IMAGE}, plain[1:], "x") == plain
    with pytest.raises(SequenceError, match="several depth topics"):
        choose_depth_topic({**types, "/other/depth/image": IMAGE}, None, "x")
    for topics, asked in ((types, "/none"), ({"/imu": "sensor_msgs/msg/Imu"}, None)):
        with pytest.raises(SequenceError, match=r"no (image|depth) topic"):
            choose_depth_topic(topics, asked, "x")
