from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.bag_files.sqlite_size import what_is_cut
from denseba_ros.sequences.bag_writer import write_bag
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence


@pytest.fixture
def db3(tmp_path: Path) -> Path:
    write_bag(tmp_path / "bag", RoomSequence("sweep", frames=4, width=160, height=120))
    (path,) = (tmp_path / "bag").glob("*.db3")
    return path


def test_a_whole_file_is_not_cut(db3: Path) -> None:
    assert what_is_cut(db3) == ""
    assert len(list(open_sequence(db3.parent))) == 4


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_a_cut_file_is_said_with_its_size(db3: Path, share: float) -> None:
    data = db3.read_bytes()
    db3.write_bytes(data[: int(share * len(data))])
    with pytest.raises(SequenceError, match=r"is empty|is cut off, \d+ of \d+ bytes are there"):
        list(open_sequence(db3.parent))
