"""Training on pairs whose right matches are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.errors import SequenceError
from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.training.matching.match_evaluation import evaluate_weights
from denseba_ros.training.matching.match_losses import labels
from denseba_ros.training.matching.match_training import MatchTraining, collect_pairs, train_weights


@pytest.fixture(scope="module")
def trained(drawn_pairs: Any) -> WeightNetwork:
    settings = MatchTraining(steps=60, pairs=40, warm_up=0.8, rate=4e-3)
    return train_weights([drawn_pairs()], settings)


@torch.no_grad()
def test_trained_weights_separate_correct_from_wrong_matches(
    trained: WeightNetwork, drawn_pairs: Any
) -> None:
    correct, total = 0.0, 0
    for k in range(20):
        pair = drawn_pairs().pair(500 + k, 3)
        logits = trained(pair.first[None], pair.second[None], pair.side[None])[0]
        right, wrong = labels(pair)
        correct += float((logits[right] > 0).sum() + (logits[wrong] < 0).sum())
        total += int(right.sum() + wrong.sum())
    assert correct / total > 0.75


def test_trained_weights_beat_uniform_samples(trained: WeightNetwork, drawn_pairs: Any) -> None:
    (score,) = evaluate_weights(drawn_pairs(wrong=0.7), trained, [7], samples=8, most=25)
    assert score.pairs == 25
    assert score.learned[1] > score.uniform[1]


def test_training_is_repeatable(drawn_pairs: Any) -> None:
    settings = MatchTraining(steps=3, pairs=8, batch=2, warm_up=0.3, seed=5)
    one, other = (train_weights([drawn_pairs()], settings).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_sources_without_right_matches_or_none_are_refused(drawn_pairs: Any) -> None:
    with pytest.raises(SequenceError, match="enough correct matches"):
        collect_pairs(drawn_pairs(wrong=1.0), 3, 5, np.random.default_rng(0))
    with pytest.raises(SequenceError, match="no frames"):
        train_weights([], MatchTraining())
