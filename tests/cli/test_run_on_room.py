"""The real system on a short piece of the synthetic room, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from denseba_ros.cli.main import main
from denseba_ros.sequences.rendering.rendered_folder import DEPTH_UNITS_PER_METRE, write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

FRAMES = 40


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """evaluation.json of `denseba run` and `denseba evaluate` on 40 frames of the room."""
    folder = tmp_path_factory.mktemp("room")
    write_rendered(folder / "sequence", RoomSequence(width=320, height=240, frames=FRAMES))
    out = folder / "out"
    assert main(["run", str(folder / "sequence"), "--out", str(out), "--device", "cpu"]) == 0
    depth = ["--depth-groundtruth", str(folder / "sequence" / "depth")]
    scale = ["--depth-scale", str(DEPTH_UNITS_PER_METRE)]
    truth = ["--groundtruth", str(folder / "sequence" / "groundtruth.txt")]
    assert main(["evaluate", str(out), *truth, *depth, *scale]) == 0
    values: dict[str, Any] = json.loads((out / "evaluation.json").read_text())
    values["rows"] = len(Path(out / "trajectory.txt").read_text().splitlines())
    return values


def test_every_tracked_frame_has_its_row(report: dict[str, Any]) -> None:
    frames = report["frames"]
    assert frames["frames"] == FRAMES
    assert report["rows"] == frames["tracked"] == report["trajectory"]["matched_poses"]
    assert frames["tracked"] >= 0.8 * FRAMES


def test_the_path_is_found(report: dict[str, Any]) -> None:
    assert report["trajectory"]["ate_percent_of_path"] < 2.0


def test_the_depth_is_found_with_the_trajectorys_own_scale(report: dict[str, Any]) -> None:
    depth = report["depth"]
    assert depth["keyframes_compared"] >= 2
    assert depth["textured_trajectory_scaled"]["median_rel"] < 0.10
