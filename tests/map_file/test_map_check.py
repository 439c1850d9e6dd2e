"""What a map is said to hold, and which of its parts are joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.map_file.closure_event import ClosureEvent
from denseba_ros.map_file.map_check import check_map, unjoined_sessions
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_summary import summarise
from tests.map_file.made_map import CAMERA, add_keyframes, made_edge


@pytest.fixture
def file(tmp_path: Path) -> MapFile:
    """Two sessions of five and three keyframes that no edge joins."""
    file = MapFile(tmp_path / "map.denseba")
    for number, ids in enumerate((range(5), range(5, 8))):
        file.begin_session(CAMERA, "")
        add_keyframes(file, ids, session=number)
    return file


def test_sessions_that_are_not_joined_are_noted_and_no_damage(file: MapFile) -> None:
    with file:
        assert check_map(file) == []
        assert unjoined_sessions(file) == ["session 1 not joined to session 0"]
        file.add_edge(made_edge(2, 6, is_closure=True))
        assert unjoined_sessions(file) == []


def test_a_session_in_two_parts_is_told(file: MapFile) -> None:
    with file:
        file.remove_edge(1, 2, is_closure=False)
        (problem,) = check_map(file)
    assert problem == (
        "the graph of session 0 is not connected: 2 parts, which begin at keyframes 2, 0"
    )


def test_an_edge_that_no_graph_is_solved_with_is_told(file: MapFile) -> None:
    with file:
        file.remove_edge(1, 2, is_closure=False)
        file.add_edge(replace(made_edge(1, 2), covariance=-np.eye(7)))
        (problem,) = check_map(file)
    assert "covariance" in problem


def test_the_summary_counts(file: MapFile) -> None:
    with file:
        file.add_edge(made_edge(0, 6, is_closure=True))
        for outcome in ("refused", "accepted", "refused"):
            file.add_closure_event(ClosureEvent(1, 0, 0, 6, outcome))
        summary = summarise(file)
    assert (summary.keyframes, summary.edges, summary.closures) == (8, 7, 1)
    assert [(s.keyframes, round(s.seconds, 3)) for s in summary.sessions] == [(5, 0.4), (3, 0.2)]
    assert summary.outcomes == {"refused": 2, "accepted": 1}
    assert summary.calibration == CAMERA
    np.testing.assert_allclose(summary.extent[1:], [0.7, 3.5])
    np.testing.assert_allclose(summary.scales, [1.0, 1.07])
    assert summary.part_bytes["poses"] == 8 * 128
    assert summary.part_bytes["edges"] == 7 * (128 + 392)
    assert sum(summary.part_bytes.values()) < summary.file_bytes
