"""New pairs out of recorded ones, so that few recordings suffice for training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.training.matching.match_losses import labels
from denseba_ros.training.matching.match_pairs import MatchPair

# Right matches that every pair keeps.
MIN_RIGHT = 12
_SYNTHETIC, _HARDER = 0.3, 0.5
_SYNTHETIC_NOISE = 0.7  # pixels


def varied(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """The pair, rolled or mirrored; often with fewer right matches or by another motion."""
    if rng.random() < _SYNTHETIC:
        pair = synthetic(pair, rng)
    if rng.random() < _HARDER:
        pair = harder(pair, rng)
    return turned(pair, rng)


def thinned(pair: MatchPair, number: int, rng: np.random.Generator) -> MatchPair:
    """``number`` of the matches, drawn at random."""
    return _kept(pair, torch.from_numpy(rng.permutation(len(pair.first))[:number]))


def harder(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """Only a part of the right matches and all others, as between views that share less."""
    right, _ = labels(pair)
    at = right.nonzero()[:, 0].numpy()
    number = max(MIN_RIGHT, int(rng.uniform(0.05, 1.0) * len(at)))
    keep = ~right
    keep[torch.from_numpy(rng.permutation(at)[:number])] = True
    return _kept(pair, keep)


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


def synthetic(pair: MatchPair, rng: np.random.Generator) -> MatchPair:
    """Places of the right matches by another motion and random depth; the wrong ones as they are,
    and the side information of both kept."""
    right, wrong = labels(pair)
    step = np.concatenate([rng.normal(size=3) * 0.3, rng.normal(size=3) * [0.15, 0.25, 0.15]])
    T = se3.exp(torch.from_numpy(step))
    depth = torch.from_numpy(np.exp(rng.normal(0.7, 0.5, len(right))))
    rays = torch.nn.functional.pad(pair.first, (0, 1), value=1.0)
    seen = (rays * depth[:, None]) @ T[:3, :3].T + T[:3, 3]
    noise = torch.from_numpy(rng.normal(size=(len(right), 2))) * _SYNTHETIC_NOISE * pair.pixel
    places = seen[:, :2] / seen[:, 2:].clamp(min=0.1) + noise
    use = right & (seen[:, 2] > 0.2)
    if int(use.sum()) < MIN_RIGHT:
        return pair
    second = torch.where(use[:, None], places, pair.second)
    return _kept(replace(pair, second=second, T_second_first=T), use | wrong)


def _kept(pair: MatchPair, keep: Tensor) -> MatchPair:
    return replace(pair, first=pair.first[keep], second=pair.second[keep], side=pair.side[keep])
