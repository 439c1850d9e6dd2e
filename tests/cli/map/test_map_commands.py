"""`denseba map info`, `check`, `adjust` and `export` on a saved map."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from denseba_ros.cli.main import main
from denseba_ros.map_file.map_file import MapFile
from tests.map_file.made_map import CAMERA, add_keyframes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "map.denseba"
    with MapFile(path) as file:
        for session in range(2):
            file.begin_session(CAMERA, "")
            add_keyframes(file, range(4 * session, 4 * session + 4), session)
    return path


def test_info_names_camera_sessions_and_sizes(path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["map", "info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "64x48, fx 60, fy 60, cx 31.5, cy 23.5" in text
    assert "4 keyframes in 0.3 s" in text
    assert "keyframes  8\n" in text
    assert "images" in text
    assert "kB a keyframe" in text


def test_check_says_what_is_damaged(path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["map", "check", str(path)]) == 0
    said = capsys.readouterr()
    assert "8 keyframes, nothing is wrong" in said.out
    assert "note: session 1 not joined to session 0" in said.err
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE keyframe_data SET points = x'00' WHERE id = 6")
    assert main(["map", "check", str(path)]) == 1
    assert "keyframe 6 is damaged" in capsys.readouterr().out


def test_a_map_that_another_process_writes_is_not_adjusted(
    path: Path, capsys: pytest.CaptureFixture
) -> None:
    with MapFile(path):
        assert main(["map", "adjust", str(path)]) == 2
    assert "is being written" in capsys.readouterr().err


def test_a_map_of_nothing_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "empty.denseba"
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
    assert main(["map", "adjust", str(path)]) == 0
    assert "nothing to adjust" in capsys.readouterr().out


@pytest.mark.parametrize("format", ["tum", "ply", "pcd", "g2o", "g2o-se3", "colmap"])
def test_export_writes_every_format(
    path: Path, tmp_path: Path, format: str, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "exported" / "map.out"
    assert main(["map", "export", str(path), "--format", format, "--out", str(out)]) == 0
    assert str(tmp_path / "exported") in capsys.readouterr().out
    assert any(out.parent.iterdir())


def test_a_mistake_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for words in (["info"], ["check"], ["adjust"], ["export", "--format", "ply", "--out", "x"]):
        assert main(["map", words[0], str(tmp_path / "none"), *words[1:]]) == 2
        assert "no such file" in capsys.readouterr().err
