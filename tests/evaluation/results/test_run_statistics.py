"""What a run counts as tracked, and what it says where nothing was."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.evaluation.results.run_statistics import RunStatistics, no_map_in_words
from denseba_ros.slam.state.estimate import Estimate, Tracking


def estimate(tracking: Tracking, reason: str = "") -> Estimate:
    six = np.eye(6)
    return Estimate(0, tracking, np.eye(4), six, np.zeros(6), six, None, False, reason, {})


def summary(*estimates: Estimate) -> dict[str, object]:
    statistics = RunStatistics()
    for one in estimates:
        statistics.add(one, 0.1)
    return statistics.summary()


def test_only_a_measured_pose_counts_as_tracked() -> None:
    counts = summary(
        estimate(Tracking.INITIALISING, "the first image"),
        estimate(Tracking.TRACKING),
        estimate(Tracking.TRACKING, "only the rotation is known"),
        estimate(Tracking.LOST, "black"),
    )
    states = [counts[name] for name in ("frames", "tracked", "initialising", "lost")]
    assert states == [4, 1, 2, 1]
    assert counts["map_started"] is True
    assert no_map_in_words(counts) == ""


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["dark", "blurred", "blurred"], "no map was started: blurred"),
        ([""], "no map was started: no reason was given"),
        ([], "no map was started: no image was processed"),
    ],
)
def test_without_one_the_most_frequent_reason_is_said(reasons: list[str], words: str) -> None:
    counts = summary(*(estimate(Tracking.INITIALISING, reason) for reason in reasons))
    assert counts["map_started"] is False
    assert no_map_in_words(counts) == words
