"""Losses of the network that weights matches."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.matching.sampling import draw_samples, take
from denseba_ros.matching.weight_network import sampling_logits
from denseba_ros.matching.weighted_refinement import weighted_essential
from denseba_ros.solvers.five_point import five_point, homogeneous
from denseba_ros.training.matching.match_pairs import MatchPair

# Pixels: a match with a smaller epipolar error is correct, with a larger one wrong; between them
# the ground truth is not accurate enough.
RIGHT, WRONG = 2.0, 6.0
# Distances between matrices of length one saturate at this.
_CAP = 0.3
_DRAWS = 48


def labels(pair: MatchPair) -> tuple[Tensor, Tensor]:
    """Bool masks (..., M) of the correct and of the wrong matches."""
    squared = sampson_squared(pair.E, homogeneous(pair.first), homogeneous(pair.second))
    pixels = squared.sqrt() / pair.pixel[..., None]
    return pixels < RIGHT, pixels > WRONG


def label_loss(logits: Tensor, right: Tensor, wrong: Tensor) -> Tensor:
    """Cross entropy of logits (B, M) over the matches that are ``right`` or ``wrong`` (B, M)."""
    known = right | wrong
    loss = F.binary_cross_entropy_with_logits(logits, right.to(logits.dtype), reduction="none")
    return ((loss * known).sum(-1) / known.sum(-1).clamp(min=1)).mean()


def refined_loss(batch: MatchPair, logits: Tensor) -> Tensor:
    """Distance to the truth of the weighted refinement initialised there, for logits (B, M)."""
    first, second = homogeneous(batch.first), homogeneous(batch.second)
    E = weighted_essential(first, second, torch.sigmoid(logits), batch.E)
    return _distance(E, batch.E).mean()


def sampled_loss(batch: MatchPair, logits: Tensor, generator: torch.Generator) -> Tensor:
    """Mean distance to the truth of five-point solutions (the best root of each) of minimal samples
    drawn by logits (B, M)."""
    index, factor = draw_samples(sampling_logits(logits), _DRAWS, 5, generator)
    first, second = (
        (take(x, index) * factor[..., None]).flatten(0, 1) for x in (batch.first, batch.second)
    )
    values, ok = five_point(first, second)
    truth = batch.E.repeat_interleave(_DRAWS, 0)[:, None]
    distance = _distance(values, truth).masked_fill(~ok, _CAP)
    return distance.min(1).values.mean()


def _distance(E: Tensor, truth: Tensor) -> Tensor:
    """Frobenius distance up to the sign, which saturates at ``_CAP``."""
    agree = (E * truth).sum((-1, -2))
    squared = (2.0 - 2.0 * agree.abs()).clamp(min=1e-12)
    return _CAP * torch.tanh(squared.sqrt() / _CAP)
