"""Putative matches between two images, and what is known of each besides its places."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.matching.features import Features


@dataclass(frozen=True)
class Matches:
    """``first`` and ``second`` (M, 2) pixels; ``side`` (M, 3): similarity of the descriptors,
    how far it is above the next best in the second and in the first image; ``index`` (M, 2)."""

    first: Tensor
    second: Tensor
    side: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.first)

    def strongest(self, count: int) -> Matches:
        """Those ``count`` whose descriptors are most alike, in the same order."""
        if len(self) <= count:
            return self
        chosen = self.side[:, 0].topk(count).indices.sort().values
        return Matches(*(part[chosen] for part in (self.first, self.second, self.side, self.index)))


def match_features(first: Features, second: Features) -> Matches:
    """Mutual nearest neighbours; without features on both sides there are none."""
    if min(len(first.places), len(second.places)) < 2:
        empty = first.places.new_zeros(0, 2)
        return Matches(empty, empty, empty.new_zeros(0, 3), torch.zeros(0, 2, dtype=torch.long))
    similarity = first.descriptors @ second.descriptors.T
    forward, backward = similarity.topk(2, dim=1), similarity.topk(2, dim=0)
    one = torch.arange(len(first.places), device=similarity.device)
    other = forward.indices[:, 0]
    mutual = backward.indices[0][other] == one
    one, other = one[mutual], other[mutual]
    best = forward.values[one, 0]
    side = torch.stack([best, best - forward.values[one, 1], best - backward.values[1, other]], -1)
    return Matches(first.places[one], second.places[other], side, torch.stack([one, other], -1))
