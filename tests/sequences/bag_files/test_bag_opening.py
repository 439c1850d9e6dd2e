"""Recordings that were killed, split, compressed or put together by hand."""

import logging
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from denseba_ros.errors import DensebaError, SequenceError
from denseba_ros.sequences.bag_files.bag_paths import storage_files
from denseba_ros.sequences.bag_writer import write_bag
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.bags.bag import open_bag
from denseba_ros.sequences.room.synthetic_room import RoomSequence


class Part:
    """Some frames of the room."""

    name, dropped = "part", 0

    def __init__(self, room: RoomSequence, frames: slice) -> None:
        self.calibration = room.calibration
        self.frames = list(room)[frames]

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> object:
        return iter(self.frames)

    def groundtruth(self) -> None:
        return None


@pytest.fixture(scope="module")
def stamps(room: RoomSequence) -> list[int]:
    return [frame.stamp_ns for frame in room]


def read(path: Path) -> list[int]:
    sequence = open_sequence(path)
    return [frame.stamp_ns for frame in sequence]


def rewrite(path: Path, source: Path, mode: CompressionMode, storage: StoragePlugin) -> Path:
    """A bag of ROS 2 again, with rosbag2's own compression."""
    store = get_typestore(Stores.ROS2_JAZZY)
    writer = Writer(path, version=9, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer, AnyReader([source], default_typestore=store) as reader:
        topics = {
            c.topic: writer.add_connection(c.topic, c.msgtype, typestore=store)
            for c in reader.connections
        }
        for connection, time_ns, data in reader.messages():
            writer.write(topics[connection.topic], time_ns, data)
    return path


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
@pytest.mark.parametrize("metadata", [True, False])
def test_compressed_bags_with_and_without_metadata(
    tmp_path: Path,
    room: RoomSequence,
    stamps: list[int],
    storage: StoragePlugin,
    mode: CompressionMode,
    metadata: bool,
) -> None:
    write_bag(tmp_path / "plain", room)
    path = rewrite(tmp_path / "packed", tmp_path / "plain", mode, storage)
    if not metadata:
        (path / "metadata.yaml").unlink()
    assert read(path) == stamps
    if not metadata:
        (file,) = storage_files(path)
        assert read(file) == stamps


def test_a_split_recording_without_metadata(
    tmp_path: Path, room: RoomSequence, stamps: list[int]
) -> None:
    folder = tmp_path / "split"
    folder.mkdir()
    for number, frames in enumerate((slice(0, 2), slice(2, 4), slice(4, None))):
        write_bag(tmp_path / f"{number}", Part(room, frames), storage="mcap")
        (tmp_path / f"{number}" / f"{number}.mcap").rename(folder / f"a_{2 - number}.mcap")
    (folder / "._a_0.mcap").write_bytes(b"resource")
    assert read(folder) == stamps
    last = folder / "a_0.mcap"
    last.write_bytes(last.read_bytes()[:-50])
    assert read(folder) == stamps
    (folder / "metadata.yaml").write_text("rosbag2_bagfile_information: {version: 9}\n")
    assert read(folder) == stamps


@pytest.mark.parametrize("name", ["{}_2023-01-01.bag", "{}.bag.active"])
def test_a_folder_of_ros1_bags(
    tmp_path: Path, room: RoomSequence, stamps: list[int], name: str
) -> None:
    folder = tmp_path / "flight"
    folder.mkdir()
    for number, frames in enumerate((slice(0, 3), slice(3, None))):
        write_bag(tmp_path / "x.bag", Part(room, frames), ros1=True)
        (tmp_path / "x.bag").rename(folder / name.format(number))
    assert read(folder) == stamps
    (folder / "0_2023-01-01.orig.bag").write_bytes(b"the file before it was repaired")
    assert read(folder) == stamps


@pytest.mark.parametrize("compression", [None, *Ros1Writer.CompressionFormat])
def test_an_active_ros1_bag_whose_last_chunk_is_still_open(
    tmp_path: Path, room: RoomSequence, stamps: list[int], compression: object
) -> None:
    """rosbag states the length of a chunk when it ends it, and writes the index last."""
    path = tmp_path / "room.bag"
    write_bag(path, room, ros1=True)
    data = bytearray(path.read_bytes())
    chunk = data.index(b"compression=none") - 4
    size = data.index(b"size=", chunk) + 5
    end = size + 4
    data[size:end] = bytes(4)
    after = data.index(b"op=\x05")
    header_end = max(end, after + 4)
    (length,) = struct.unpack("<I", data[header_end : header_end + 4])
    data[header_end : header_end + 4] = bytes(4)
    active = tmp_path / "room.bag.active"
    active.write_bytes(data[: header_end + 4 + length - 100])
    found = read(active)
    assert found == stamps[: len(found)]
    assert len(found) == len(stamps) - 1 or len(found) == len(stamps)


def test_a_killed_mcap_says_what_can_be_read(
    tmp_path: Path, room: RoomSequence, stamps: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    write_bag(tmp_path / "bag", room, storage="mcap")
    (tmp_path / "bag" / "metadata.yaml").unlink()
    file = tmp_path / "bag" / "bag.mcap"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        found = read(tmp_path / "bag")
    assert found == stamps[: len(found)]
    assert 1 <= len(found) < len(stamps)
    assert "the recording was cut off; " in caplog.text
    assert caplog.text.count("messages can be read") == 1


def test_what_is_no_bag_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_bytes(b"")
    (tmp_path / "b.bag.active").write_bytes(b"#ROSBAG V1.2\n")
    (tmp_path / "c.db3.zstd").write_bytes(b"(\xb5/\xfd")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "metadata.yaml").write_text("{")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(SequenceError, match=path.name) as caught:
            open_bag(path)
        assert "\n" not in str(caught.value)
        assert "<class" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        {"storage": "mcap"},
        {"storage": "sqlite3"},
        {"ros1": True},
        {"storage": "mcap", "compressed": "jpeg"},
        {"ros1": True, "compressed": "png"},
    ],
    ids=lambda k: "-".join(map(str, k.values())),
)
def test_any_damage_is_counted_or_one_error(
    tmp_path: Path, room: RoomSequence, kind: dict[str, object]
) -> None:
    path = tmp_path / ("room.bag" if kind.get("ros1") else "room")
    write_bag(path, Part(room, slice(0, 3)), **kind)
    (file,) = storage_files(path)
    whole = file.read_bytes()

    @given(st.integers(0, 8999), st.floats(0.0, 0.999), st.integers(-3, 7), st.integers(0, 2))
    @settings(max_examples=50, deadline=None)
    def damage(near: int, share: float, bit: int, where: int) -> None:
        """Flip a bit, or cut the file where ``bit`` is negative.

        Most of a bag is pixels: two thirds of the flips are in its beginning or in its index.
        """
        place = (int(share * len(whole)), near, len(whole) - 1 - near)[where]
        damaged = bytearray(whole)
        if bit < 0:
            del damaged[int(share * len(whole)) :]
        else:
            damaged[place] ^= 1 << bit
        file.write_bytes(damaged)
        check(path)

    damage()


def check(path: Path) -> None:
    try:
        sequence = open_sequence(path)
        count = sum(1 for _ in sequence)
    except DensebaError as error:
        message = str(error)
        assert "\n" not in message
        assert "<class" not in message
        assert "object has no" not in message
        return
    assert count + sequence.dropped <= 3
