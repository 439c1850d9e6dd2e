"""`denseba evaluate` on runs whose errors are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.cli.main import main
from denseba_ros.evaluation.trajectory.evo_check import evo_program
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import Trajectory, write_tum


@pytest.fixture
def out(recording: Any, knowing_system: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    assert main(["run", str(recording.sequence), "--out", str(folder), "--fps", "10"]) == 0
    return folder


def _evaluate(
    capsys: pytest.CaptureFixture[str], out: Path, truth: Path, *options: str
) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["evaluate", str(out), "--groundtruth", str(truth), *options]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report == json.loads((out / "evaluation.json").read_text())
    return report


def test_perfect_run_at_half_scale(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _evaluate(
        capsys,
        out,
        recording.sequence / "poses_tum.txt",
        "--depth-groundtruth",
        str(recording.depth),
    )
    assert report["trajectory"]["scale"] == pytest.approx(2.0, rel=1e-5)
    assert report["trajectory"]["ate_m"]["rmse"] < 1e-6
    assert report["trajectory"]["matched_poses"] == 27
    assert report["frames"]["lost"] == 1
    depth = report["depth"]
    assert depth["keyframes_compared"] == 6
    assert depth["unscaled"]["abs_rel"] == pytest.approx(0.5, abs=0.02)
    assert depth["trajectory_scaled"]["median_rel"] < 2e-3
    assert depth["textured_median_scaled"]["delta1"] > 0.99
    assert depth["before_adjustment"]["abs_rel"] > 0.1
    assert depth["after_adjustment"]["abs_rel"] < 2e-3
    by_source = depth["by_source"]
    assert by_source["network"]["abs_rel"] == pytest.approx(0.5, abs=5e-3)
    assert by_source["fused"]["abs_rel"] < 4e-3
    assert by_source["points"]["abs_rel"] < 0.02
    assert by_source["fused"]["share_known"] == 1.0
    assert depth["after_adjustment"]["pixels"] == depth["before_adjustment"]["pixels"]
    for name in ("path.png", "errors.png", "depth.png"):
        assert (out / name).stat().st_size > 5000


def test_known_error_is_found_and_evo_agrees(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate = read_poses(out / "trajectory.txt")
    poses = estimate.T_world_camera.copy()
    poses[:, :3, 3] += np.random.default_rng(1).normal(0, 0.01, (len(poses), 3))
    write_tum(out / "trajectory.txt", Trajectory(estimate.stamps_ns, poses))
    report = _evaluate(capsys, out, recording.sequence / "poses_tum.txt")
    # noise of 0.01 along three axes, at half scale; seven degrees of freedom are fitted away
    expected = 2 * 0.01 * np.sqrt((3 * 27 - 7) / 27)
    assert report["trajectory"]["ate_m"]["rmse"] == pytest.approx(expected, rel=0.25)
    if evo_program("evo_ape") is None:
        assert "evo is not installed" in report["notes"][0]
    else:
        assert report["notes"] == []
        for measure in ("ate_m", "rpe_frame_m", "rpe_frame_deg"):
            ours, theirs = report["trajectory"][measure]["rmse"], report["evo"][measure]["rmse"]
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-5)


def test_without_evo_the_report_says_so(
    recording: Any,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("denseba_ros.evaluation.trajectory.evo_check.evo_program", lambda _: None)
    report = _evaluate(capsys, out, recording.sequence / "poses_tum.txt")
    assert report["evo"] is None
    assert "evo is not installed" in report["notes"][0]


def test_ground_truth_from_the_sequence_folder(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _evaluate(capsys, out, recording.sequence, "--fps", "10")
    assert report["trajectory"]["matched_poses"] == 27


def test_edited_trajectory_has_no_covariance(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (out / "trajectory.txt").read_text().splitlines()
    (out / "trajectory.txt").write_text("\n".join(rows[:-1]) + "\n")
    report = _evaluate(capsys, out, recording.sequence / "poses_tum.txt")
    assert report["nees"] is None
    assert any("no NEES" in note for note in report["notes"])


def test_an_interrupted_run_is_marked(
    recording: Any, knowing_system: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    knowing_system.fails_at, knowing_system.failure = 20, KeyboardInterrupt
    folder = tmp_path / "interrupted"
    assert main(["run", str(recording.sequence), "--out", str(folder), "--fps", "10"]) == 130
    report = _evaluate(capsys, folder, recording.sequence / "poses_tum.txt")
    assert any("did not finish" in note for note in report["notes"])


@pytest.mark.parametrize("missing", ["run", "groundtruth", "depth"])
def test_missing_input_is_a_clear_error(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str], missing: str, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    folder = nowhere if missing == "run" else out
    truth = nowhere if missing == "groundtruth" else recording.sequence / "poses_tum.txt"
    depth = ["--depth-groundtruth", str(nowhere)] if missing == "depth" else []
    assert main(["evaluate", str(folder), "--groundtruth", str(truth), *depth]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_no_overlap_in_time_is_explained(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    truth = read_poses(recording.sequence / "poses_tum.txt")
    late = tmp_path / "late.txt"
    write_tum(late, Trajectory(truth.stamps_ns + 10**12, truth.T_world_camera))
    assert main(["evaluate", str(out), "--groundtruth", str(late)]) == 2
    assert "from 1000.000 to 1002.900 s" in capsys.readouterr().err


def test_a_recorded_run_is_judged_by_odometry_and_by_map(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denseba_ros.evaluation.trajectory.evo_check.evo_program", lambda _: None)
    in_map = read_poses(out / "trajectory.txt")
    poses = in_map.T_world_camera.copy()
    poses[14:, 1, 3] += 0.1  # what went to map -> odom
    (out / "trajectory.txt").rename(out / "map.txt")
    (out / "covariance.npz").rename(out / "map_covariance.npz")
    write_tum(out / "odometry.txt", Trajectory(in_map.stamps_ns, poses))
    summary = json.loads((out / "summary.json").read_text())
    changed = summary | {"timing": "live", "dropped": 3, "odometry_frames": 2}
    (out / "summary.json").write_text(json.dumps(changed))
    report = _evaluate(
        capsys,
        out,
        recording.sequence / "poses_tum.txt",
        *("--depth-groundtruth", str(recording.depth)),
    )
    assert list(report)[2:4] == ["odometry", "map"]
    assert report["timing"] == "live"
    assert report["frames"]["dropped"] == 3
    assert report["map"]["trajectory"]["ate_m"]["rmse"] < 1e-6
    assert report["odometry"]["trajectory"]["ate_m"]["rmse"] > 0.02
    assert (report["odometry"]["frame"], report["map"]["frame"]) == ("odom", "map")
    assert report["map"]["nees"] is not None
    assert report["depth"]["trajectory_scaled"]["median_rel"] < 2e-3
    assert any(note.startswith("odometry: no covariances") for note in report["notes"])
    assert any("2 odometry frames" in note for note in report["notes"])
    for name in ("path.png", "errors.png", "map_path.png", "map_errors.png"):
        assert (out / name).stat().st_size > 5000


def test_a_plain_run_is_of_the_map_in_lockstep(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denseba_ros.evaluation.trajectory.evo_check.evo_program", lambda _: None)
    report = _evaluate(capsys, out, recording.sequence / "poses_tum.txt")
    assert (report["pose"], report["frame"], report["timing"]) == ("map", "map", "lockstep")


def test_what_is_known_is_written_before_the_depth_is_refused(
    recording: Any, out: Path, tmp_path: Path
) -> None:
    truth = recording.sequence / "poses_tum.txt"
    empty = tmp_path / "empty"
    empty.mkdir()
    command = ["evaluate", str(out), "--groundtruth", str(truth)]
    assert main([*command, "--depth-groundtruth", str(empty)]) == 2
    report = json.loads((out / "evaluation.json").read_text())
    assert report["trajectory"]["ate_m"]["rmse"] < 1e-6
    assert "depth" not in report


def test_a_true_path_without_length_has_no_percent(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = read_poses(recording.sequence / "poses_tum.txt")
    still = np.repeat(truth.T_world_camera[:1], len(truth), axis=0)
    path = out.parent / "still.txt"
    write_tum(path, Trajectory(truth.stamps_ns, still))
    report = _evaluate(capsys, out, path)
    assert report["trajectory"]["path_length_m"] == 0.0
    assert report["trajectory"]["ate_percent_of_path"] is None
    json.dumps(report, allow_nan=False)


def test_an_estimate_that_does_not_move_is_judged_without_a_scale(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate = read_poses(out / "trajectory.txt")
    still = np.repeat(np.eye(4)[None], len(estimate), axis=0)
    write_tum(out / "trajectory.txt", Trajectory(estimate.stamps_ns, still))
    report = _evaluate(capsys, out, recording.sequence / "poses_tum.txt")
    assert report["trajectory"]["scale"] == 1.0
    assert any("does not move" in note for note in report["notes"])


def test_rows_of_ground_truth_that_are_no_poses_are_counted(
    recording: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = recording.sequence / "poses_tum.txt"
    rows = truth.read_text().splitlines()
    rows[4] = rows[4].split()[0] + " nan nan nan nan nan nan nan"
    path = out.parent / "nan.txt"
    path.write_text("\n".join(rows))
    report = _evaluate(capsys, out, path)
    assert report["groundtruth_rows_left_out"] == 1
    assert report["groundtruth_poses"] == 29
