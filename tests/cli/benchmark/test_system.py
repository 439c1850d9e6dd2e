"""``denseba benchmark system`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from denseba_ros.cli.main import main
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rendered(tmp_path / "room", RoomSequence("sweep", 8, 160, 120))
    return tmp_path / "room"


def test_a_sequence_is_played_forth_and_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers, picture = tmp_path / "numbers.json", tmp_path / "blocks.png"
    options = ["--device", "cpu", "--loop", "20", "--json", str(numbers), "--plot", str(picture)]
    assert main(["benchmark", "system", str(folder), *options]) == 0
    assert "of 20 frames tracked" in capsys.readouterr().out
    found = json.loads(numbers.read_text())
    assert found["frames"] == 20
    assert found["machine"]["device"]["kind"] == "cpu"
    assert picture.stat().st_size > 5000


def test_without_a_loop_every_frame_is_played_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "system", str(folder), "--device", "cpu"]) == 0
    assert "of 8 frames tracked" in capsys.readouterr().out


def test_a_loop_of_no_frames_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "system", str(folder), "--loop", "0"]) == 2
    assert "--loop 0" in capsys.readouterr().err
