"""Scores of poses, and the comparison on pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.training.matching.match_evaluation import (
    area_under_curve,
    evaluate_weights,
    pose_error,
)


def test_area_under_curve_in_closed_form() -> None:
    assert area_under_curve(np.array([0.0, 5.0, 20.0]), 10.0) == pytest.approx(50.0)
    assert area_under_curve(np.array([]), 10.0) == 0.0


def test_pose_error_is_the_larger_angle() -> None:
    truth = torch.eye(4, dtype=torch.float64)
    truth[0, 3] = 2.0
    found = truth.clone()
    found[:3, 3] = torch.tensor([1.0, 1.0, 0.0])
    assert pose_error(found, truth) == pytest.approx(45.0)
    assert pose_error(truth, truth) == pytest.approx(0.0, abs=1e-6)


def test_pairs_that_share_no_view_are_left_out(drawn_pairs: Any) -> None:
    network = WeightNetwork()
    for wrong, pairs in ((0.95, 0), (0.5, 5)):
        (score,) = evaluate_weights(drawn_pairs(wrong=wrong), network, [7], samples=4, most=5)
        assert score.pairs == pairs


def test_a_gap_longer_than_the_sequence_has_no_pairs(drawn_pairs: Any) -> None:
    (score,) = evaluate_weights(drawn_pairs(), WeightNetwork(), [100], samples=4)
    assert score.pairs == 0
