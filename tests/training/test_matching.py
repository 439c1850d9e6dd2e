"""Training on pairs whose right matches are known, and the comparison with uniform samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.benchmark.minimal_problems import moved, random_motions, seen_points
from denseba_ros.cli.main import main
from denseba_ros.errors import ConfigurationError, SequenceError
from denseba_ros.matching.weight_file import load_weights, save_weights
from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.training.match_evaluation import area_under_curve, evaluate_weights, pose_error
from denseba_ros.training.match_losses import labels, refined_loss, sampled_loss
from denseba_ros.training.match_pairs import MatchPair, stacked
from denseba_ros.training.match_variation import harder, synthetic, thinned, turned
from denseba_ros.training.matching import MatchTraining, collect_pairs, train_weights

_PIXEL = 1.0 / 500


class DrawnPairs:
    """Stands in for the features of a sequence: any two positions see new random points, and half
    of the matches are wrong. Their similarity tells a little."""

    def __init__(self, matches: int = 120, wrong: float = 0.5) -> None:
        self._matches, self._wrong = matches, int(wrong * matches)

    def __len__(self) -> int:
        return 100

    def pair(self, one: int, other: int) -> MatchPair:
        generator = torch.Generator().manual_seed(1000 * one + other)
        T = random_motions(generator, 1, 0.1)
        X = seen_points(generator, 1, self._matches)
        Y = moved(T, X)
        first, second = (P[0, :, :2] / P[0, :, 2:] for P in (X, Y))
        noise = torch.randn(second.shape, generator=generator, dtype=torch.float64)
        second = second + 0.5 * _PIXEL * noise
        second[: self._wrong] = second[: self._wrong].roll(5, 0)
        side = 0.5 + 0.2 * torch.randn(self._matches, 3, generator=generator)
        side[self._wrong :] += 0.1
        return MatchPair(first, second, side, T[0], first.new_tensor(_PIXEL))


@pytest.fixture(scope="module")
def trained() -> WeightNetwork:
    sources: list[Any] = [DrawnPairs()]
    settings = MatchTraining(steps=60, pairs=40, warm_up=0.8, rate=4e-3)
    return train_weights(sources, settings)


@torch.no_grad()
def test_trained_weights_tell_right_from_wrong(trained: WeightNetwork) -> None:
    correct, total = 0.0, 0
    for k in range(20):
        pair = DrawnPairs().pair(500 + k, 3)
        logits = trained(pair.first[None], pair.second[None], pair.side[None])[0]
        right, wrong = labels(pair)
        correct += float((logits[right] > 0).sum() + (logits[wrong] < 0).sum())
        total += int(right.sum() + wrong.sum())
    assert correct / total > 0.75


def test_trained_weights_beat_uniform_samples(trained: WeightNetwork) -> None:
    source: Any = DrawnPairs(wrong=0.6)
    (score,) = evaluate_weights(source, trained, [7], samples=16, most=25)
    assert score.pairs == 25
    assert score.learned[1] > score.uniform[1]


def test_training_is_repeatable() -> None:
    sources: list[Any] = [DrawnPairs()]
    settings = MatchTraining(steps=3, pairs=8, batch=2, warm_up=0.3, seed=5)
    one, other = (train_weights(sources, settings).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_losses_through_the_solvers_prefer_the_right_matches() -> None:
    batch = stacked([DrawnPairs().pair(1, k) for k in (2, 3)])
    right, _ = labels(batch)
    for loss in (
        lambda logits: refined_loss(batch, logits),
        lambda logits: sampled_loss(batch, logits, torch.Generator().manual_seed(0)),
    ):
        blind = torch.zeros(right.shape)
        assert float(loss(torch.where(right, 5.0, -5.0))) < float(loss(blind))
        logits = torch.where(right, 2.0, -2.0).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits), logits)
        assert bool(torch.isfinite(gradient).all())
        assert bool((gradient.abs().amax(1) > 0).all())


def test_turned_pairs_keep_their_labels() -> None:
    pair = DrawnPairs().pair(3, 4)
    other = turned(pair, np.random.default_rng(0))
    assert not torch.equal(other.first, pair.first)
    for one, two in zip(labels(pair), labels(other), strict=True):
        assert float((one != two).double().mean()) < 0.03


def test_harder_pairs_lose_right_matches_only() -> None:
    pair = DrawnPairs().pair(3, 4)
    other = harder(pair, np.random.default_rng(0))
    before, after = (int(labels(one)[0].sum()) for one in (pair, other))
    assert 12 <= after < before
    assert len(pair.first) - len(other.first) == before - after


def test_synthetic_pairs_keep_their_labels_under_another_motion() -> None:
    pair = DrawnPairs(wrong=0.3).pair(3, 4)
    other = synthetic(pair, np.random.default_rng(0))
    assert not torch.equal(other.T_second_first, pair.T_second_first)
    right, _ = labels(other)
    assert 0.4 < float(right.double().mean()) < 0.9


def test_thinned_pairs_have_the_number_asked_for() -> None:
    pair = thinned(DrawnPairs().pair(3, 4), 50, np.random.default_rng(0))
    assert pair.first.shape == pair.second.shape == (50, 2)
    assert pair.side.shape == (50, 3)


def test_a_source_without_right_matches_is_refused() -> None:
    source: Any = DrawnPairs(wrong=1.0)
    with pytest.raises(SequenceError, match="right matches"):
        collect_pairs(source, 3, 5, np.random.default_rng(0))


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


def test_weights_survive_the_file(tmp_path: Path) -> None:
    network = WeightNetwork()
    target = tmp_path / "deep" / "weights.safetensors"
    save_weights(network, target)
    pair = DrawnPairs().pair(1, 2)
    inputs = pair.first[None], pair.second[None], pair.side[None]
    torch.testing.assert_close(load_weights(target)(*inputs), network(*inputs))
    target.write_bytes(b"no weights")
    with pytest.raises(ConfigurationError, match="no weights"):
        load_weights(target)
    with pytest.raises(ConfigurationError, match="no weights"):
        load_weights(tmp_path / "absent.safetensors")


def test_contradicting_options_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "matching"]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["train", "matching", "--data", "x", "--stride", "3"]) == 2
    assert "multiples" in capsys.readouterr().err
