"""Training of the matches' weights, end to end through the minimal solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.geometry import se3
from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.training.match_losses import label_loss, labels, refined_loss, sampled_loss
from denseba_ros.training.match_pairs import FeatureSequence, MatchPair

_MIN_RIGHT, _MIN_MATCHES = 12, 24
_SYNTHETIC_NOISE = 0.7  # pixels


@dataclass(frozen=True)
class MatchTraining:
    """``steps`` of ``batch`` pairs out of ``pairs`` that are matched once; frames of a pair are up
    to ``gap`` positions apart, and at most ``matches`` of each are looked at. The losses through
    the solvers begin after the share ``warm_up`` of the steps, on ``through`` pairs of each batch.
    """

    steps: int = 1500
    batch: int = 8
    pairs: int = 600
    gap: int = 10
    rate: float = 2e-3
    warm_up: float = 0.4
    through: int = 2
    refined: float = 1.0
    sampled: float = 1.0
    synthetic: float = 0.3
    matches: int = 256
    seed: int = 0


def train_weights(sources: Sequence[FeatureSequence], settings: MatchTraining) -> WeightNetwork:
    """A network trained on pairs of all ``sources``; the same seed gives the same one.

    Raises:
        SequenceError: when a source has hardly any pair with enough right matches.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    share = -(-settings.pairs // len(sources))
    pool = [pair for source in sources for pair in collect_pairs(source, share, settings.gap, rng)]
    network = WeightNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, settings.steps)
    bar = tqdm(range(settings.steps), desc="matching", unit="step", disable=None)
    running: float | None = None
    for step in bar:
        warm = step >= settings.warm_up * settings.steps
        drawn = rng.integers(len(pool), size=settings.batch)
        batch = [_varied(pool[int(k)], settings, rng) for k in drawn]
        through = [warm and k < settings.through for k in range(len(batch))]
        losses = [
            _pair_loss(network, pair, settings, solve, generator)
            for pair, solve in zip(batch, through, strict=True)
        ]
        loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        bar.set_postfix(loss=f"{running:.3f}")
    return network.eval()


def _pair_loss(
    network: WeightNetwork,
    pair: MatchPair,
    settings: MatchTraining,
    through: bool,
    generator: torch.Generator,
) -> Tensor:
    logits = network(pair.first[None], pair.second[None], pair.side[None])[0]
    loss = label_loss(logits, *labels(pair))
    if through:
        loss = loss + settings.refined * refined_loss(pair, logits)
        loss = loss + settings.sampled * sampled_loss(pair, logits, generator)
    return loss


def collect_pairs(
    source: FeatureSequence, count: int, gap: int, rng: np.random.Generator
) -> list[MatchPair]:
    """``count`` pairs that have enough right matches, in both orders of time.

    Raises:
        SequenceError: when less than one in twenty has.
    """
    pairs: list[MatchPair] = []
    for _ in tqdm(range(20 * count), desc="pairs", leave=False, disable=None):
        if len(pairs) == count:
            break
        apart = int(rng.integers(1, gap + 1))
        one = int(rng.integers(max(1, len(source) - apart)))
        ends = (one, one + apart) if rng.random() < 0.5 else (one + apart, one)
        pair = source.pair(*ends)
        if pair is None or len(pair.first) < _MIN_MATCHES:
            continue
        if int(labels(pair)[0].sum()) >= _MIN_RIGHT:
            pairs.append(pair)
    if len(pairs) < count:
        raise SequenceError(f"only {len(pairs)} of {20 * count} pairs have enough right matches")
    return pairs


def _varied(pair: MatchPair, settings: MatchTraining, rng: np.random.Generator) -> MatchPair:
    if rng.random() < settings.synthetic:
        pair = _synthetic(pair, *labels(pair), rng)
    return turned(_thinned(pair, settings.matches, rng), rng)


def _thinned(pair: MatchPair, most: int, rng: np.random.Generator) -> MatchPair:
    """At most ``most`` of the matches, drawn at random."""
    if len(pair.first) <= most:
        return pair
    keep = torch.from_numpy(rng.permutation(len(pair.first))[:most])
    return replace(pair, first=pair.first[keep], second=pair.second[keep], side=pair.side[keep])


def turned(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """The same pair seen by a camera rolled about its axis, and half the time in a mirror."""
    angle, mirror = rng.uniform(-0.6, 0.6), 1.0 if rng.random() < 0.5 else -1.0
    c, s = np.cos(angle), np.sin(angle)
    R = torch.eye(4, dtype=torch.float64)
    R[:2, :2] = torch.tensor([[c * mirror, -s], [s * mirror, c]], dtype=torch.float64)
    flat = R[:2, :2].T
    return replace(
        pair,
        first=pair.first @ flat,
        second=pair.second @ flat,
        T_second_first=R @ pair.T_second_first @ R.T,
    )


def _synthetic(
    pair: MatchPair, right: Tensor, wrong: Tensor, rng: np.random.Generator
) -> MatchPair:
    """Places of the right matches by another motion and random depth; the wrong ones as they are,
    and the side information of both kept."""
    step = np.concatenate([rng.normal(size=3) * 0.3, rng.normal(size=3) * [0.15, 0.25, 0.15]])
    T = se3.exp(torch.from_numpy(step))
    depth = torch.from_numpy(np.exp(rng.normal(0.7, 0.5, len(right))))
    rays = torch.nn.functional.pad(pair.first, (0, 1), value=1.0)
    seen = (rays * depth[:, None]) @ T[:3, :3].T + T[:3, 3]
    noise = torch.from_numpy(rng.normal(size=(len(right), 2))) * _SYNTHETIC_NOISE * pair.pixel
    places = seen[:, :2] / seen[:, 2:].clamp(min=0.1) + noise
    use = right & (seen[:, 2] > 0.2)
    keep = use | wrong
    second = torch.where(use[:, None], places, pair.second)
    return MatchPair(pair.first[keep], second[keep], pair.side[keep], T, pair.pixel)
