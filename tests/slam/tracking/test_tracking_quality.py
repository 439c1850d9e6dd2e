"""When an alignment is to be believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from denseba_ros.slam.tracking.tracker import Alignment
from denseba_ros.slam.tracking.tracking_quality import reason_lost

_GOOD = Alignment(
    T=torch.eye(4, dtype=torch.float64),
    affine=torch.zeros(2, dtype=torch.float64),
    H=torch.eye(8, dtype=torch.float64),
    visible=0.9,
    inliers=0.8,
    similarity=0.95,
    corner_inliers=200,
    flow=10.0,
)


def test_a_good_alignment_is_believed() -> None:
    assert reason_lost(_GOOD) == ""


def test_a_pose_that_is_not_finite_is_never_believed() -> None:
    T = torch.full((4, 4), float("nan"), dtype=torch.float64)
    assert "diverged" in reason_lost(replace(_GOOD, T=T))


def test_too_little_of_the_keyframe_in_view() -> None:
    assert reason_lost(replace(_GOOD, visible=0.19)) == (
        "only 19% of the keyframe's points are in view"
    )
    assert reason_lost(replace(_GOOD, visible=0.21)) == ""


@pytest.mark.parametrize(
    ("change", "word"),
    [({"inliers": 0.39}, "only 39% of the points match"), ({"similarity": 0.69}, "0.69")],
)
def test_corners_vouch_for_a_changed_brightness(change: dict[str, float], word: str) -> None:
    """Thirty inlying corners are enough whatever the brightness says; twenty-nine are not."""
    assert reason_lost(replace(_GOOD, corner_inliers=30, **change)) == ""
    assert word in reason_lost(replace(_GOOD, corner_inliers=29, **change))
