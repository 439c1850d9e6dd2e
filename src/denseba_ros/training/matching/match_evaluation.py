"""Evaluation of the weights of matches: relative poses from learned and from uniform sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from denseba_ros.geometry import se3
from denseba_ros.matching.relative_pose import relative_pose
from denseba_ros.matching.weight_network import WeightNetwork, sampling_logits
from denseba_ros.training.matching.match_losses import labels
from denseba_ros.training.matching.match_pairs import FeatureSequence, MatchPair

_THRESHOLD_PIXELS = 1.5
# With fewer correct matches the overlap of two images is too small for any weights.
_MIN_RIGHT = 15
DEGREES = (5.0, 10.0)


@dataclass(frozen=True)
class PairScore:
    """Number of ``pairs`` with enough overlap, ``gap`` frames apart, and for uniform and learned
    sampling the area under the curve of the pose error up to 5 and 10 degrees, in percent."""

    gap: int
    pairs: int
    uniform: tuple[float, ...]
    learned: tuple[float, ...]


@torch.no_grad()
def evaluate_weights(
    source: FeatureSequence,
    network: WeightNetwork,
    gaps: Sequence[int],
    samples: int,
    most: int = 200,
    seeds: int = 1,
) -> list[PairScore]:
    """Scores at each gap in frames with ``samples`` minimal samples per pair, drawn ``seeds``
    times; at most ``most`` pairs per gap, evenly spaced."""
    scores = []
    for gap in gaps:
        last = len(source) - gap - 1
        firsts = np.unique(np.linspace(0, last, most if last >= 0 else 0).astype(int))
        errors: dict[str, list[float]] = {"uniform": [], "learned": []}
        count = 0
        for one in tqdm(firsts, desc=f"gap {gap}", leave=False, disable=None):
            pair = source.pair(int(one), int(one) + gap)
            if pair is None or int(labels(pair)[0].sum()) < _MIN_RIGHT:
                continue
            count += 1
            for seed in range(seeds):
                for name, logits in _both(network, pair):
                    errors[name].append(_error(pair, logits, samples, seed))
        areas = {
            name: tuple(area_under_curve(np.array(values), limit) for limit in DEGREES)
            for name, values in errors.items()
        }
        scores.append(PairScore(gap, count, areas["uniform"], areas["learned"]))
    return scores


def _both(network: WeightNetwork, pair: MatchPair) -> list[tuple[str, Tensor]]:
    uniform = torch.zeros(len(pair.first))
    if len(pair.first) < 2:
        return [("uniform", uniform), ("learned", uniform)]
    logits = network(pair.first[None], pair.second[None], pair.side[None])[0]
    return [("uniform", uniform), ("learned", sampling_logits(logits))]


def _error(pair: MatchPair, logits: Tensor, samples: int, seed: int) -> float:
    """``pose_error`` of RANSAC with samples by ``logits``; 180 degrees without a result."""
    generator = torch.Generator().manual_seed(seed)
    threshold = _THRESHOLD_PIXELS * float(pair.pixel)
    pose = relative_pose(pair.first, pair.second, logits, samples, threshold, generator)
    if pose is None:
        return 180.0
    return pose_error(pose.T_second_first, pair.T_second_first)


def pose_error(estimate: Tensor, truth: Tensor) -> float:
    """The larger of the angles between the rotations and between the translations, degrees, of two
    T_second_first (4, 4)."""
    rotation = torch.linalg.vector_norm(se3.log(estimate @ se3.inverse(truth))[3:])
    t, u = estimate[:3, 3], truth[:3, 3]
    direction = torch.atan2(torch.linalg.vector_norm(torch.linalg.cross(t, u)), t @ u)
    return float(torch.rad2deg(torch.maximum(rotation, direction)))


def area_under_curve(errors: np.ndarray, limit: float) -> float:
    """Area in percent under the cumulative curve of errors (N,), degrees, up to ``limit`` degrees,
    in closed form."""
    if not len(errors):
        return 0.0
    return float(100.0 * np.clip(1.0 - errors / limit, 0.0, 1.0).mean())
