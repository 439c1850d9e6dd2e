"""What the report of a path counts, and what it says where evo cannot align."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.results.path_report import path_report
from denseba_ros.evaluation.results.pose_reports import pose_reports
from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.evaluation.results.run_folder import RunPath
from denseba_ros.sequences.trajectory import Trajectory

COUNT = 40
STEP_NS = 100_000_000


@pytest.fixture(autouse=True)
def no_evo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its programs take seconds each; tests/evaluation/trajectory compares with them."""
    monkeypatch.setattr("denseba_ros.evaluation.results.path_report.evo_report", lambda *_: None)


def trajectory(*, straight: bool = False) -> Trajectory:
    s = np.linspace(0.0, 2.0, COUNT)
    T = np.tile(np.eye(4), (COUNT, 1, 1))
    T[:, 0, 3] = s
    if not straight:
        T[:, 1, 3] = np.sin(2 * s)
    return Trajectory(np.arange(COUNT, dtype=np.int64) * STEP_NS, T)


def test_lost_poses_are_shown_apart_and_do_not_move_the_alignment() -> None:
    truth = trajectory()
    T = truth.T_world_camera.copy()
    T[5, 2, 3] += 0.01
    T[10:15, 2, 3] += 3.0
    states = [PoseState.TRACKED] * COUNT
    states[5] = PoseState.PREDICTED
    states[10:15] = [PoseState.LOST] * 5
    covariances = np.arange(1, COUNT + 1)[:, None, None] * 1e-6 * np.eye(6)
    path = RunPath("odometry", Trajectory(truth.stamps_ns, T), covariances, states)
    report, matched = path_report(path, truth, STEP_NS // 4, with_scale=True)
    assert (report["pose"], report["frame"], report["alignment"]) == ("odometry", "odom", "Sim(3)")
    assert report["poses"] == {"tracked": 34, "predicted": 1, "lost": 5}
    assert report["trajectory"]["matched_poses"] == len(matched.stamps_ns) == 35
    assert report["trajectory"]["ate_m"]["rmse"] < 0.01
    by_state = report["ate_m_by_state"]
    assert by_state["tracked"]["rmse"] < 0.002
    assert by_state["predicted"]["rmse"] == pytest.approx(0.01, rel=0.1)
    assert by_state["lost"]["rmse"] == pytest.approx(3.0, rel=0.01)
    assert report["nees"]["motions"] > 0


def test_motions_are_judged_as_tracked_where_a_map_moved_poses() -> None:
    truth = trajectory()
    covariances = np.arange(1, COUNT + 1)[:, None, None] * 1e-6 * np.eye(6)
    T = truth.T_world_camera.copy()
    T[::3, 2, 3] += 1e-3
    tracked = RunPath("map", Trajectory(truth.stamps_ns, T), covariances)
    corrected = T.copy()
    corrected[COUNT // 2 :, :3, 3] += 0.1
    moved = Trajectory(truth.stamps_ns, corrected)
    in_map = RunPath("map", moved, 0.5 * covariances[::-1], tracked=tracked)
    alone, _ = path_report(tracked, truth, STEP_NS // 4, with_scale=True)
    both, _ = path_report(in_map, truth, STEP_NS // 4, with_scale=True)
    assert both["nees"] == alone["nees"]
    assert both["nees"]["motions"] > 0
    assert both["trajectory"] != alone["trajectory"]


def test_all_tracked_poses_need_no_states() -> None:
    truth = trajectory()
    report, _ = path_report(RunPath("map", truth, None), truth, STEP_NS // 4, with_scale=False)
    assert (report["frame"], report["alignment"]) == ("map", "SE(3)")
    assert "ate_m_by_state" not in report
    assert report["nees"] is None


def test_a_straight_path_is_aligned_and_evo_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("denseba_ros.evaluation.results.path_report.evo_report", refuse)
    truth = trajectory(straight=True)
    report, _ = path_report(RunPath("map", trajectory(), None), truth, STEP_NS // 4, True)
    assert report["alignment"].startswith("collinear: Sim(3)")
    assert report["evo"] is None
    assert any("straight line, which evo refuses" in note for note in report["notes"])


def test_a_true_path_that_stands_still_has_a_note() -> None:
    still = trajectory()
    still.T_world_camera[:, :3, 3] = [1.0, 2.0, 3.0]
    report, _ = path_report(RunPath("map", trajectory(), None), still, STEP_NS // 4, True)
    assert any("Sim(3) shrinks any path onto it" in note for note in report["notes"])
    report, _ = path_report(RunPath("map", trajectory(), None), trajectory(), STEP_NS // 4, True)
    assert not any("does not move" in note for note in report["notes"])


def test_a_failure_of_evo_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TrajectoryError("evo_ape: no")

    monkeypatch.setattr("denseba_ros.evaluation.results.path_report.evo_report", fail)
    report, _ = path_report(RunPath("map", trajectory(), None), trajectory(), STEP_NS // 4, True)
    assert report["evo"] is None
    assert any("evo failed" in note for note in report["notes"])


def test_of_an_evaluation_odometry_comes_first() -> None:
    assert list(pose_reports({"map": {}, "odometry": {}, "notes": []})) == ["odometry", "map"]
    plain = {"trajectory": {}}
    assert pose_reports(plain) == {"map": plain}
