"""Rendered sequences by name."""

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.rendered_names import is_rendered_name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("room", "room_handheld"),
        ("room:sweep", "room_sweep"),
        ("building", "building_loop"),
        ("building:twins", "building_twins"),
    ],
)
def test_a_name_opens_a_sequence(given: str, name: str) -> None:
    assert open_sequence(given).name == name


def test_start_and_count_cut_it() -> None:
    part = open_sequence("building", start=40, count=3)
    assert len(part) == 3
    assert next(iter(part)).index == 40
    with pytest.raises(SequenceError, match="has 120 frames"):
        open_sequence("room", start=120)


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room").mkdir()
    assert not is_rendered_name(Path("room"))
    assert is_rendered_name(Path("building"))
    assert not is_rendered_name(Path("buildings"))


def test_a_wrong_trajectory_names_the_right_ones() -> None:
    with pytest.raises(SequenceError, match="there_and_back"):
        open_sequence("building:fly")


def test_options_of_recorded_sequences_are_refused() -> None:
    with pytest.raises(SequenceError, match="its own calibration"):
        open_sequence("room", fps=10.0)


def test_its_ground_truth_is_read_by_name() -> None:
    truth = read_groundtruth(Path("building:session_a"))
    assert len(truth) == len(open_sequence("building:session_a"))
    assert np.all(np.diff(truth.stamps_ns) > 0)
