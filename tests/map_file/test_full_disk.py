"""On a full disk nothing that was saved is lost, and saving goes on when there is room again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.map_check import check_map
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from tests.map_file.made_map import CAMERA, made_edge, made_keyframe, made_pose


def test_a_full_map_keeps_what_it_has_and_goes_on_with_more_room(tmp_path: Path) -> None:
    path = tmp_path / "map.denseba"
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        file._connection.execute("PRAGMA max_page_count = 60")
        saved = _fill(file)
        assert saved > 5
        with pytest.raises(MapFileError, match="disk is full"):
            _add_with_edge(file, saved)
        assert file.load_graph().edges == []
        with MapReader(path) as reader:
            assert reader.keyframe_ids() == list(range(saved))
        file._connection.execute("PRAGMA max_page_count = 1000")
        file.add_keyframe(made_keyframe(saved), made_pose(saved))
    with MapReader(path) as reader:
        assert reader.keyframe_ids() == list(range(saved + 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; only root may make one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_keeps_the_map(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = small_disk / "map.denseba"
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        saved = _fill(file)
        # It may find the last bytes of room.
        with contextlib.suppress(MapFileError):
            file.update_poses({id: made_pose(id + 1) for id in range(saved)})
    assert "until then keep map.denseba-wal beside it" in caplog.text
    with MapReader(path) as reader:
        poses = reader.load_graph().poses
        assert list(poses) == list(range(saved))
        moved = [np.array_equal(poses[id], made_pose(id + 1)) for id in poses]
        assert all(moved) or not any(moved)
        assert [p for p in check_map(reader) if "not connected" not in p] == []
    with pytest.raises(MapFileError, match=r"(disk is full|No space left)"):
        MapFile(small_disk / "another")


def _fill(file: MapFile) -> int:
    """Save keyframes until there is no room; how many went in."""
    for id in range(10_000):
        try:
            file.add_keyframe(made_keyframe(id, count=2000), made_pose(id))
        except MapFileError as error:
            # Not pytest.raises: which one fails is not known before.
            if "disk is full" in str(error):
                return id
            raise
    raise AssertionError("never full")


def _add_with_edge(file: MapFile, id: int) -> None:
    with file.transaction():
        file.add_edge(made_edge(0, 1))
        file.add_keyframe(made_keyframe(id, count=2000), made_pose(id))
