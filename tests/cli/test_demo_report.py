"""When the demo calls its result sane."""

from __future__ import annotations

from typing import Any

import pytest

from denseba_ros.cli.demo_report import find_doubts, print_report

SUMMARY = {
    "tracked": 90,
    "initialising": 8,
    "lost": 2,
    "dropped": 0,
    "keyframes": 9,
    "frames": 100,
    "reasons_not_tracking": {"the first image": 8, "black": 2},
    "messages": {"odometry": 92},
    "odometry_rate_hz": 12.3,
}
EVALUATION: dict[str, Any] = {
    "alignment": "Sim(3)",
    "trajectory": {"ate_percent_of_path": 0.5, "path_length_m": 2.0, "ate_m": {"rmse": 0.01}},
    "depth": {"textured_trajectory_scaled": {"median_rel": 0.02}},
}


def recorded(odometry_percent: float, map_percent: float) -> dict[str, Any]:
    """The evaluation of a recorded run."""
    return {
        "depth": EVALUATION["depth"],
        **{
            pose: {
                "alignment": "Sim(3)",
                "trajectory": EVALUATION["trajectory"] | {"ate_percent_of_path": percent},
                "poses": {"tracked": 90, "predicted": 2, "lost": 0},
            }
            for pose, percent in (("odometry", odometry_percent), ("map", map_percent))
        },
    }


def test_a_good_result_has_no_doubts(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_report(SUMMARY, EVALUATION, 100, is_room=True)
    printed = capsys.readouterr().out
    assert "90 of 100 images, 8 initialised, 2 lost" in printed
    assert "0.0100 m RMSE after Sim(3) alignment, 0.50 % of 2.00 m" in printed
    assert "2.00 % median" in printed


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"tracked": 0}, "no map was started: the first image"),
        ({"tracked": 70}, "only 70 of 92"),
        ({"initialising": 60, "tracked": 40}, "initialising took 60"),
        ({"messages": {"odometry": 91}}, "91 odometry messages, not 92"),
        ({"dropped": 1}, "1 images were dropped"),
    ],
)
def test_doubts_about_the_messages(change: dict[str, Any], doubt: str) -> None:
    doubts = find_doubts(SUMMARY | change, EVALUATION, 100, is_room=True)
    assert any(doubt in text for text in doubts)


@pytest.mark.parametrize(("percent", "depth"), [(2.5, 0.02), (0.5, 0.2), (None, 0.02)])
def test_the_room_has_bars_of_its_own(percent: float | None, depth: float) -> None:
    evaluation = {
        **EVALUATION,
        "trajectory": EVALUATION["trajectory"] | {"ate_percent_of_path": percent},
        "depth": {"textured_trajectory_scaled": {"median_rel": depth}},
    }
    assert len(find_doubts(SUMMARY, evaluation, 100, is_room=True)) == 1
    assert find_doubts(SUMMARY, evaluation, 100, is_room=False) == []


def test_the_verdict_is_of_odometry_and_both_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert print_report(SUMMARY, recorded(0.5, 9.0), 100, is_room=True)
    printed = capsys.readouterr().out
    assert "0.50 % of 2.00 m; 90 tracked, 2 predicted poses" in printed
    assert printed.index("error of odometry") < printed.index("error of map")
    doubts = find_doubts(SUMMARY, recorded(9.0, 0.5), 100, is_room=True)
    assert doubts == ["the trajectory error of odometry is 9.0 % of the path"]


def test_the_direct_run_has_no_messages_to_count() -> None:
    direct = {k: v for k, v in SUMMARY.items() if k not in ("messages", "dropped")}
    assert find_doubts(direct, EVALUATION, 100, is_room=True) == []
    assert print_report(direct, None, 100, is_room=False)


def test_a_path_without_length_has_no_percent(capsys: pytest.CaptureFixture[str]) -> None:
    still = EVALUATION["trajectory"] | {"ate_percent_of_path": None, "path_length_m": 0.0}
    assert print_report(SUMMARY, EVALUATION | {"trajectory": still}, 100, is_room=False)
    assert "the path has no length" in capsys.readouterr().out
