"""The real system on the rendered room: a map is saved, gone on with, and localised in."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.cli.exit_status import DONE, NO_MAP, WRONG_USE
from denseba_ros.cli.main import main
from denseba_ros.geometry import sim3
from denseba_ros.map_file.map_check import check_map
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.matching.features import features_available
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

pytestmark = pytest.mark.skipif(not features_available(), reason="needs denseba_ros[matching]")
FRAMES = 60


def _run(sequence: Path, out: Path, *options: str | Path) -> int:
    words = ["run", sequence, "--out", out, "--device", "cpu", *options]
    return main([str(word) for word in words])


def _poses(path: Path) -> dict[int, np.ndarray]:
    table = read_poses(path)
    return dict(zip(table.stamps_ns.tolist(), table.T_world_camera, strict=True))


def _summary(out: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((out / "summary.json").read_text())["map"]
    return values


class Runs:
    """The same images three times: a new map, another session in it, localised in both."""

    def __init__(self, folder: Path) -> None:
        self.room, self.map = folder / "room", folder / "room.denseba"
        write_rendered(self.room, RoomSequence(width=320, height=240, frames=FRAMES))
        self.first, self.second, self.localised = (folder / f"out{k}" for k in range(3))
        self.status = [_run(self.room, self.first, "--save-map", self.map)]
        with MapReader(self.map) as reader:
            self.first_map = reader.load_graph()
        self.status.append(_run(self.room, self.second, "--map", self.map))
        self.bytes = self.map.read_bytes()
        self.status.append(_run(self.room, self.localised, "--map", self.map, "--localise"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("map"))


def test_all_went_well_and_the_map_is_sound(runs: Runs) -> None:
    assert runs.status == [DONE, DONE, DONE]
    with MapReader(runs.map) as reader:
        assert check_map(reader) == []
        events = [e for e in reader.closure_events() if e.outcome == "accepted"]
        closures = [edge for edge in reader.load_graph().edges if edge.is_closure]
    assert {e.session for e in events} == {1}
    assert {(e.first, e.second) for e in events} >= {(e.first, e.second) for e in closures}
    assert closures


def test_the_map_is_adjusted_as_a_whole_and_saved_so(runs: Runs) -> None:
    adjusted = _summary(runs.first)["adjusted"]
    assert adjusted["observations"] > 200
    assert adjusted["median_error_after_pixels"] <= adjusted["median_error_before_pixels"]
    for edge in runs.first_map.edges:
        S = sim3.inverse(runs.first_map.poses[edge.first]) @ runs.first_map.poses[edge.second]
        np.testing.assert_allclose(edge.S_first_second, S, atol=1e-6)
    assert "adjusted" not in _summary(runs.localised)


def test_a_saved_map_is_adjusted_as_well_afterwards(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "plain.denseba"
    assert _run(runs.room, tmp_path / "out", "--save-map", file, "--no-refine") == DONE
    assert "adjusted" not in _summary(tmp_path / "out")
    with MapReader(file) as reader:
        before = reader.load_graph()
    assert main(["map", "adjust", str(file)]) == DONE
    out = capsys.readouterr().out
    said = re.search(r"median error ([\d.]+) -> ([\d.]+) pixels", out)
    assert said is not None
    lens = re.search(r"focal length ([-+][\d.]+)%, radial distortion ([-+][\d.]+)$", out.strip())
    assert lens is not None
    with MapReader(file) as reader:
        assert check_map(reader) == []
        after = reader.load_graph()
    moved = [np.abs(after.poses[n] - S).max() for n, S in before.poses.items()]
    apart = [np.abs(after.poses[n] - S).max() for n, S in runs.first_map.poses.items()]
    # The file keeps depths to 0.05 %, which is 1 to 2 mm in this room.
    assert max(moved) > 5e-4
    assert max(apart) < 2e-3
    in_the_run = _summary(runs.first)["adjusted"]
    for value, when in zip(said.groups(), ("before", "after"), strict=True):
        assert float(value) == pytest.approx(in_the_run[f"median_error_{when}_pixels"], abs=0.02)
    focal = 100.0 * (in_the_run["focal_length_over_calibration"] - 1.0)
    assert float(lens[1]) == pytest.approx(focal, abs=0.1)
    assert float(lens[2]) == pytest.approx(in_the_run["radial_distortion"], abs=1e-3)


def test_the_first_map_is_of_one_piece_and_one_scale(runs: Runs) -> None:
    """What the window of the first image left behind, before the two-view map, is not in it."""
    numbers = sorted(runs.first_map.poses)
    assert len(numbers) >= 5
    assert len(runs.first_map.edges) == len(numbers) - 1
    scales = [sim3.scale(S) for S in runs.first_map.poses.values()]
    np.testing.assert_allclose(scales, 1.0, atol=0.01)


def test_a_new_map_is_joined_at_once_and_its_last_path_is_written(runs: Runs) -> None:
    assert _summary(runs.first)["joined"] is True
    assert not (runs.first / "unjoined.txt").exists()
    live, final = _poses(runs.first / "trajectory.txt"), _poses(runs.first / "final.txt")
    # One image was tracked against a keyframe of the map that the two-view map replaced.
    assert final.keys() == live.keys()


@pytest.mark.parametrize("which", ["second", "localised"])
def test_a_session_joins_and_its_poses_are_those_of_the_first(runs: Runs, which: str) -> None:
    out: Path = getattr(runs, which)
    summary = _summary(out)
    assert summary["joined"] is True
    assert summary["loops_closed"] >= 1
    before, after = _poses(out / "unjoined.txt"), _poses(out / "trajectory.txt")
    assert max(before) < min(after)
    assert _poses(out / "final.txt").keys() == before.keys() | after.keys()
    first = _poses(runs.first / "final.txt")
    for stamp, T in after.items():
        # 0.8 m of way: 5 cm, where the map's scale is that of the wrong keyframe.
        assert np.linalg.norm(T[:3, 3] - first[stamp][:3, 3]) < 0.012


def test_localisation_does_not_change_the_map(runs: Runs) -> None:
    now = hashlib.sha256(runs.map.read_bytes()).hexdigest()
    assert now == hashlib.sha256(runs.bytes).hexdigest()
    with MapReader(runs.map) as reader:
        assert len(reader.sessions()) == 2


def test_in_another_room_no_place_is_recognised(runs: Runs, tmp_path: Path, capsys: Any) -> None:
    other = tmp_path / "other"
    write_rendered(other, RoomSequence(width=320, height=240, frames=40, seed=5))
    out = tmp_path / "out"
    assert _run(other, out, "--map", runs.map, "--localise") == NO_MAP
    assert f"no place of {runs.map} was recognised" in capsys.readouterr().out
    assert _poses(out / "unjoined.txt")
    assert (out / "trajectory.txt").read_text() == ""
    assert not (out / "final.txt").exists()
    truth = str(other / "groundtruth.txt")
    assert main(["evaluate", str(out), "--groundtruth", truth]) == NO_MAP
    assert "no place of the map was recognised" in capsys.readouterr().err


def test_a_new_map_does_not_take_the_place_of_another(
    runs: Runs, tmp_path: Path, capsys: Any
) -> None:
    assert _run(runs.room, tmp_path / "out", "--save-map", runs.map) == WRONG_USE
    assert "go on with it by --map" in capsys.readouterr().err


def test_another_camera_is_refused(runs: Runs, tmp_path: Path, capsys: Any) -> None:
    smaller = tmp_path / "smaller"
    write_rendered(smaller, RoomSequence(width=160, height=120, frames=2))
    assert _run(smaller, tmp_path / "out", "--map", runs.map) == WRONG_USE
    assert "made with another camera" in capsys.readouterr().err
