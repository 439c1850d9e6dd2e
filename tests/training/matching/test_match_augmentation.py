"""Varied pairs keep what is right and what is wrong."""

from __future__ import annotations

import numpy as np
import torch

from denseba_ros.training.matching.match_augmentation import harder, rolled, subsampled, synthetic
from denseba_ros.training.matching.match_losses import labels
from denseba_ros.training.matching.match_pairs import MatchPair


def test_rolled_pairs_keep_their_labels(pair: MatchPair) -> None:
    other = rolled(pair, np.random.default_rng(0))
    assert not torch.equal(other.first, pair.first)
    for one, two in zip(labels(pair), labels(other), strict=True):
        assert float((one != two).double().mean()) < 0.03


def test_harder_pairs_have_fewer_correct_matches_only(pair: MatchPair) -> None:
    other = harder(pair, np.random.default_rng(0))
    before, after = (int(labels(one)[0].sum()) for one in (pair, other))
    assert 12 <= after < before
    assert len(pair.first) - len(other.first) == before - after


def test_synthetic_pairs_have_as_many_right_matches_under_another_motion(pair: MatchPair) -> None:
    other = synthetic(pair, np.random.default_rng(0))
    assert not torch.equal(other.T_second_first, pair.T_second_first)
    before, after = (int(labels(one)[0].sum()) for one in (pair, other))
    assert after > 0.7 * before


def test_subsampled_pairs_have_the_requested_number(pair: MatchPair) -> None:
    fewer = subsampled(pair, 50, np.random.default_rng(0))
    assert fewer.first.shape == fewer.second.shape == (50, 2)
    assert fewer.side.shape == (50, 3)
