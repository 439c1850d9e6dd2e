"""A file that is not a whole map of this version is refused in words, and left as it is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.map_check import check_map
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from tests.map_file.made_map import CAMERA, add_keyframes, made_keyframe, made_pose

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A whole map of six keyframes."""
    path = tmp_path / "map.denseba"
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(6))
    return path


def _refused(path: Path, match: str) -> None:
    """Both ways of opening say it, and neither changes the file."""
    before = path.read_bytes()
    for way in (MapReader, MapFile):
        with pytest.raises(MapFileError, match=match):
            way(path)
    assert path.read_bytes() == before
    assert not path.with_name(f"{path.name}.lock").exists()


def _change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("share", [0.99, 0.7, 0.3, 0.02])
def test_a_truncated_copy_is_refused(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    _refused(path, "is cut off: .* copy it again")


def test_less_than_a_header_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])
    _refused(path, "is cut off: 50 of")


def test_a_file_that_is_no_map_is_refused(path: Path) -> None:
    path.write_text("trajectory 1 2 3\n" * 1000)
    _refused(path, "no map of denseba .not an SQLite file")


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.unlink()
    _change(path, "CREATE TABLE words (word)")
    _refused(path, "database of another program")


def test_a_map_of_a_newer_version_is_refused(path: Path) -> None:
    _change(path, "PRAGMA user_version = 7")
    _refused(path, "newer denseba .map version 7.*update denseba")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MapFileError, match="no such file"):
        MapReader(tmp_path / "none")
    with pytest.raises(MapFileError, match=r"none/map.lock: No such file or directory"):
        MapFile(tmp_path / "none" / "map")
    for way in (MapReader, MapFile):
        with pytest.raises(MapFileError, match="is a folder"):
            way(tmp_path)


def test_an_empty_file_becomes_a_map_only_for_a_writer(tmp_path: Path) -> None:
    (tmp_path / "map").touch()
    with pytest.raises(MapFileError, match="holds no map"):
        MapReader(tmp_path / "map")
    with MapFile(tmp_path / "map") as file:
        file.begin_session(CAMERA, "")


def test_a_second_writer_in_this_process_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    with MapFile(path) as file:
        for name in ("map.denseba", "link"):
            with pytest.raises(MapFileError, match="this process already"):
                MapFile(tmp_path / name)
        file.add_keyframe(made_keyframe(6), made_pose(6))
    with MapFile(tmp_path / "link") as file:
        assert len(file.keyframe_ids()) == 7


def test_a_lock_file_that_was_left_over_locks_nothing(path: Path) -> None:
    path.with_name("map.denseba.lock").write_text("1\n")
    MapFile(path).close()


def test_the_file_alone_is_the_map_after_a_checkpoint(path: Path, tmp_path: Path) -> None:
    with MapFile(path) as file:
        add_keyframes(file, range(6, 9))
        file.checkpoint()
        shutil.copy(path, tmp_path / "copy")
    with MapReader(tmp_path / "copy") as map:
        assert len(map.keyframe_ids()) == 9
        (problem,) = check_map(map)
        assert problem.endswith("2 parts, which begin at keyframes 0, 6")


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("image", lambda data: data[:100]),
        ("image", lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:]),
        ("depth_map", lambda data: data[:-8]),
        ("depth_map", lambda data: b""),
        ("points", lambda data: data + b"1"),
        ("feature_places", lambda data: None),
        ("feature_descriptors", lambda data: data[:-1]),
        ("checksum", lambda number: number + 1),
    ],
)
def test_a_damaged_row_names_its_keyframe(
    path: Path, column: str, change: Callable[[object], object]
) -> None:
    _damage(path, "keyframe_data", column, change)
    with MapReader(path) as map:
        with pytest.raises(MapFileError, match="keyframe 3 is damaged"):
            map.load_keyframe(3)
        assert map.load_keyframe(2).id == 2
        problems = check_map(map)
        assert len(problems) == 1
        assert "keyframe 3 is damaged" in problems[0]


def test_damage_under_a_right_checksum_is_found(path: Path) -> None:
    """The lengths and sizes are checked by themselves."""
    for column, change in {
        "height": lambda n: n + 1,
        "map_width": lambda n: -n,
        "points": lambda n: n + 1,
        "corners": lambda n: 10**6,
        "features": lambda n: 10**15,
        "feature_length": lambda n: n - 1,
        "affine": lambda data: data[:8],
    }.items():
        copy = path.with_name(column)
        shutil.copy(path, copy)
        _damage(copy, "keyframe", column, change)
        with MapReader(copy) as map, pytest.raises(MapFileError, match="keyframe 3 is damaged"):
            map.load_keyframe(3)


def test_a_damaged_pose_edge_or_descriptor_names_its_keyframe(path: Path) -> None:
    copies = [path.with_name(f"copy {k}") for k in range(3)]
    for copy in copies:
        shutil.copy(path, copy)
    _damage(copies[0], "keyframe", "pose", lambda pose: pose[:64] + b"\xff" * 64)
    with (
        MapReader(copies[0]) as map,
        pytest.raises(MapFileError, match="the pose of keyframe 3 is no"),
    ):
        map.load_graph()
    _change(copies[1], "UPDATE edge SET covariance = ? WHERE first = 3", b"1234")
    with MapReader(copies[1]) as map, pytest.raises(MapFileError, match="keyframes 3 and 4: 4 byt"):
        map.load_graph()
    _damage(copies[2], "place", "descriptor", lambda data: data[:-2])
    with MapReader(copies[2]) as map, pytest.raises(MapFileError, match="of keyframe 3 has 62 byt"):
        map.descriptors()


def test_a_damaged_page_is_told(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start in range(4096 * 2, len(data), 4096):
        data[start : start + 64] = b"\xa5" * 64
    path.write_bytes(data)
    with MapReader(path) as map:
        assert check_map(map)
        with pytest.raises(MapFileError, match="damaged"):
            map.load_graph()


def _damage(path: Path, table: str, column: str, change: Callable[..., object]) -> None:
    connection = sqlite3.connect(path)
    (value,) = connection.execute(f"SELECT {column} FROM {table} WHERE id = 3").fetchone()
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = 3", (change(value),))
    connection.commit()
    connection.close()


@pytest.fixture
def readable_folder(path: Path) -> Iterator[Path]:
    """The map in a folder that this process may only read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(path, folder)
        (folder / path.name).chmod(0o444)
        folder.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_map_in_a_read_only_folder_is_read_and_not_written(readable_folder: Path) -> None:
    path = readable_folder / "map.denseba"
    with MapReader(path) as map:
        assert check_map(map) == []
    with pytest.raises(MapFileError, match=r"cannot be written: .*Permission denied"):
        MapFile(path)


def test_a_log_that_cannot_be_read_where_it_lies_is_named(readable_folder: Path) -> None:
    path = readable_folder / "map.denseba"
    log = path.with_name("map.denseba-wal")
    _as_owner(readable_folder, lambda: log.write_bytes(b"1" * 4096))
    with pytest.raises(MapFileError, match=r"copy it and map.denseba-wal to a folder of your own"):
        MapReader(path)


def _as_owner(folder: Path, do: Callable[[], object]) -> None:
    user = os.geteuid()
    os.seteuid(os.getuid())
    folder.chmod(0o755)
    do()
    folder.chmod(0o555)
    os.seteuid(user)
