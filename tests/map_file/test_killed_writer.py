"""A map whose writer was killed at any moment opens again, with all that was saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.map_check import check_map
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader

KILLS = 50
REPOSITORY = Path(__file__).resolve().parents[2]


class Writers:
    """Starts processes that write a map, and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to: IO[str] = process.stdin
        self._from: IO[str] = process.stdout

    def start(self, path: Path) -> int:
        self._to.write(f"{path}\n")
        self._to.flush()
        return int(self._from.readline())


@pytest.fixture
def writers() -> Iterator[Writers]:
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.map_file.writer_to_kill"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=REPOSITORY,
    )
    try:
        yield Writers(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_writer_killed_at_fifty_random_moments_loses_nothing(
    writers: Writers, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    saved = 0
    for k in range(KILLS):
        # Every fifth begins a new map; the others go on in the last.
        path = tmp_path / f"{k // 5}.denseba"
        writer = writers.start(path)
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(writer, signal.SIGKILL)
        saved = max(saved, _check_nothing_is_lost(path))
    assert saved > 20


def _check_nothing_is_lost(path: Path) -> int:
    """Returns the number of keyframes in the map."""
    # First this: a killed process may take a moment to stop.
    done = Path(f"{path}.done")
    saved = {int(line) for line in done.read_text().split()} if done.exists() else set()
    if not saved and not _has_map(path):
        return 0
    with MapReader(path) as map:
        problems = check_map(map)
        # Sessions are parts of their own here.
        assert [p for p in problems if "not connected" not in p] == []
        assert saved <= set(map.keyframe_ids())
        return len(saved)


def _has_map(path: Path) -> bool:
    """Whether the first call had made a map; if not, the reader says so."""
    try:
        MapReader(path).close()
    except MapFileError as error:
        if any(words in str(error) for words in ("no such file", "holds no map")):
            return False
        raise
    return True


@pytest.mark.slow
def test_the_lock_of_a_killed_writer_is_free_and_that_of_a_living_one_names_it(
    writers: Writers, tmp_path: Path
) -> None:
    path = tmp_path / "map.denseba"
    writer = writers.start(path)
    while not Path(f"{path}.done").exists() or not Path(f"{path}.done").read_text():
        time.sleep(0.01)
    with pytest.raises(MapFileError, match=f"being written by process {writer};"):
        MapFile(path)
    with MapReader(path) as map:
        assert map.keyframe_ids()
    os.kill(writer, signal.SIGKILL)
    deadline = time.monotonic() + 10.0
    while True:
        try:
            MapFile(path).close()
            break
        except MapFileError:  # the killed process is not gone yet
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not path.with_name("map.denseba.lock").exists()
