"""A JPEG image that was overwritten in part is left out and counted, wherever it comes from."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from denseba_ros.sequences.bag_writer import write_bag
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.stamps.frame_drops import UNREADABLE


def overwritten(data: bytes) -> bytes:
    """With zeros instead of 200 bytes of codes."""
    begin = data.index(b"\xff\xda") + 100
    assert begin + 200 < len(data)
    return data[:begin] + bytes(200) + data[begin + 200 :]


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable[..., list[Path]]) -> Path:
    names = [f"{k}.jpg" for k in range(5)]
    paths = write_pictures(tmp_path / "images", names, (320, 240))
    paths[2].write_bytes(overwritten(paths[2].read_bytes()))
    (tmp_path / "images" / "calibration.txt").write_text("200 200 159.5 119.5\n")
    return tmp_path / "images"


@pytest.fixture
def bag(tmp_path: Path, room: RoomSequence) -> Path:
    write_bag(tmp_path / "bag", room, storage="sqlite3", compressed="jpeg")
    (path,) = (tmp_path / "bag").glob("*.db3")
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT id, data FROM messages ORDER BY timestamp").fetchall()
        images = [(key, data) for key, data in rows if b"\xff\xd8\xff" in data]
        key, data = images[2]
        database.execute("UPDATE messages SET data = ? WHERE id = ?", (overwritten(data), key))
    database.close()
    return tmp_path / "bag"


@pytest.mark.parametrize("source", ["folder", "bag"])
def test_it_is_left_out_and_counted(source: str, request: pytest.FixtureRequest) -> None:
    sequence = open_sequence(request.getfixturevalue(source))
    assert [frame.index for frame in sequence] == [0, 1, 3, 4]
    assert sequence.drops == {UNREADABLE: 1}
