"""Training of the network that weights matches, end to end through the minimal solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.training.common.seeded_weights import seeded_weights
from denseba_ros.training.matching.match_augmentation import MIN_RIGHT, augmented, subsampled
from denseba_ros.training.matching.match_losses import (
    label_loss,
    labels,
    refined_loss,
    sampled_loss,
)
from denseba_ros.training.matching.match_pairs import FeatureSequence, MatchPair, stacked

_MIN_MATCHES = 80
# The pairs of a batch are drawn from so many neighbours in the order of their numbers of matches.
_NEIGHBOURS = 60


@dataclass(frozen=True)
class MatchTraining:
    """``steps`` of ``batch`` pairs out of ``pairs`` that are matched once; the frames of a pair are
    up to ``gap`` frames apart, and at most ``matches`` of each pair are used. The losses through
    the solvers, with weights ``refined`` and ``sampled``, begin after the ratio ``warm_up`` of the
    steps.
    """

    steps: int = 1500
    batch: int = 8
    pairs: int = 600
    gap: int = 40
    rate: float = 2e-3
    warm_up: float = 0.7
    refined: float = 1.0
    sampled: float = 1.0
    matches: int = 384
    seed: int = 0


def train_weights(sources: Sequence[FeatureSequence], settings: MatchTraining) -> WeightNetwork:
    """A network trained on pairs of all ``sources``; the same seed gives the same one.

    Raises:
        SequenceError: without a source, or when one has too few pairs with enough correct matches.
    """
    if not sources:
        raise SequenceError("no frames are left to train on")
    rng = np.random.default_rng(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    share = -(-settings.pairs // len(sources))
    pool = [pair for source in sources for pair in collect_pairs(source, share, settings.gap, rng)]
    pool.sort(key=lambda pair: len(pair.first))
    with seeded_weights(settings.seed):
        network = WeightNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, settings.steps)
    bar = tqdm(range(settings.steps), desc="matching", unit="step", disable=None)
    running: float | None = None
    for step in bar:
        through = step >= settings.warm_up * settings.steps
        loss = _loss(network, _drawn(pool, settings, rng), settings, through, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        bar.set_postfix(loss=f"{running:.3f}")
    return network.eval()


def _drawn(
    pool: Sequence[MatchPair], settings: MatchTraining, rng: np.random.Generator
) -> MatchPair:
    """A batch of augmented pairs of similar size, subsampled to the smallest number of matches.

    ``pool`` is in the order of their numbers of matches.
    """
    count = min(_NEIGHBOURS, len(pool))
    first = int(rng.integers(len(pool) - count + 1))
    chosen = first + rng.integers(count, size=settings.batch)
    pairs = [augmented(pool[int(k)], rng) for k in chosen]
    number = min(settings.matches, *(len(pair.first) for pair in pairs))
    return stacked([subsampled(pair, number, rng) for pair in pairs])


def _loss(
    network: WeightNetwork,
    batch: MatchPair,
    settings: MatchTraining,
    through: bool,
    generator: torch.Generator,
) -> Tensor:
    logits = network(batch.first, batch.second, batch.side)
    loss = label_loss(logits, *labels(batch))
    if through:
        loss = loss + settings.refined * refined_loss(batch, logits)
        loss = loss + settings.sampled * sampled_loss(batch, logits, generator)
    return loss


def collect_pairs(
    source: FeatureSequence, count: int, gap: int, rng: np.random.Generator
) -> list[MatchPair]:
    """``count`` pairs with enough correct matches, in both temporal orders.

    Raises:
        SequenceError: when fewer than one in twenty has.
    """
    pairs: list[MatchPair] = []
    gap = min(gap, len(source) - 1)
    for _ in tqdm(range(20 * count), desc="pairs", leave=False, disable=None):
        if len(pairs) == count:
            break
        apart = int(np.exp(rng.uniform(0.0, np.log(gap + 1))))
        one = int(rng.integers(len(source) - apart))
        ends = (one, one + apart) if rng.random() < 0.5 else (one + apart, one)
        pair = source.pair(*ends)
        if pair is None or len(pair.first) < _MIN_MATCHES:
            continue
        if int(labels(pair)[0].sum()) >= MIN_RIGHT:
            pairs.append(pair)
    if len(pairs) < count:
        raise SequenceError(f"only {len(pairs)} of {20 * count} pairs have enough correct matches")
    return pairs
