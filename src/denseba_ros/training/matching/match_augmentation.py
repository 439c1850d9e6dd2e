"""Augmentation of pairs of images with matches, so that few recordings suffice for training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.training.matching.match_losses import labels
from denseba_ros.training.matching.match_pairs import MatchPair

# Least number of correct matches of a pair.
MIN_RIGHT = 12
# Probabilities of a synthetic motion and of fewer correct matches.
_SYNTHETIC, _HARDER = 0.3, 0.5
_SYNTHETIC_NOISE = 0.7  # pixels


def augmented(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """The pair, rolled or mirrored; often with fewer correct matches or with another motion."""
    if rng.random() < _SYNTHETIC:
        pair = synthetic(pair, rng)
    if rng.random() < _HARDER:
        pair = harder(pair, rng)
    return rolled(pair, rng)


def subsampled(pair: MatchPair, number: int, rng: np.random.Generator) -> MatchPair:
    """``number`` of the matches, drawn at random."""
    return _kept(pair, torch.from_numpy(rng.permutation(len(pair.first))[:number]))


def harder(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """Only some of the correct matches and all others, as of views with less overlap."""
    right, _ = labels(pair)
    at = right.nonzero()[:, 0].numpy()
    number = max(MIN_RIGHT, int(rng.uniform(0.05, 1.0) * len(at)))
    keep = ~right
    keep[torch.from_numpy(rng.permutation(at)[:number])] = True
    return _kept(pair, keep)


def rolled(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """The pair for a camera rolled about its optical axis and, half the time, mirrored."""
    angle, mirror = rng.uniform(-0.6, 0.6), 1.0 if rng.random() < 0.5 else -1.0
    c, s = np.cos(angle), np.sin(angle)
    R = torch.eye(4, dtype=torch.float64)
    R[:2, :2] = torch.tensor([[c * mirror, -s], [s * mirror, c]], dtype=torch.float64)
    planar = R[:2, :2].T
    return replace(
        pair,
        first=pair.first @ planar,
        second=pair.second @ planar,
        T_second_first=R @ pair.T_second_first @ R.T,
    )


def synthetic(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """The correct matches projected by another motion and random depth; the wrong ones and the side
    information of both unchanged."""
    right, wrong = labels(pair)
    step = np.concatenate([rng.normal(size=3) * 0.3, rng.normal(size=3) * [0.15, 0.25, 0.15]])
    T = se3.exp(torch.from_numpy(step))
    depth = torch.from_numpy(np.exp(rng.normal(0.7, 0.5, len(right))))
    rays = torch.nn.functional.pad(pair.first, (0, 1), value=1.0)
    points = (rays * depth[:, None]) @ T[:3, :3].T + T[:3, 3]
    noise = torch.from_numpy(rng.normal(size=(len(right), 2))) * _SYNTHETIC_NOISE * pair.pixel
    projected = points[:, :2] / points[:, 2:].clamp(min=0.1) + noise
    use = right & (points[:, 2] > 0.2)
    if int(use.sum()) < MIN_RIGHT:
        return pair
    second = torch.where(use[:, None], projected, pair.second)
    return _kept(replace(pair, second=second, T_second_first=T), use | wrong)


def _kept(pair: MatchPair, keep: Tensor) -> MatchPair:
    return replace(pair, first=pair.first[keep], second=pair.second[keep], side=pair.side[keep])
