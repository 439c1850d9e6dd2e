"""``denseba benchmark recovery`` from the command line."""

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


def test_every_cut_gets_a_row(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = tmp_path / "numbers.json"
    options = ["--device", "cpu", "--every", "5", "--black", "2", "--back", "2"]
    assert main(["benchmark", "recovery", str(folder), *options, "--json", str(numbers)]) == 0
    assert "1 cuts" in capsys.readouterr().out
    (cut,) = json.loads(numbers.read_text())["cuts"]
    assert cut["frame"] == 3


def test_cuts_longer_than_the_sequence_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "recovery", str(folder), "--device", "cpu"]) == 2
    assert "cannot be played" in capsys.readouterr().err
