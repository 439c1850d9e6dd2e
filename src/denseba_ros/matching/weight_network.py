"""A small network that tells which matches of a pair belong together.

Matches are a set: every layer treats them alike and sees the others through the statistics of all
(Moo Yi et al., "Learning to find good correspondences", CVPR 2018) and through a few clusters
(Zhang et al., "Learning two-view correspondences and geometry using order-aware network",
ICCV 2019). A second pass looks again with the first pass's opinion at hand (Zhao et al., "CLNet",
ICCV 2021).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_CHANNELS = 48
_CLUSTERS = 24
# Places in both images and side information.
INPUTS = 4 + 3


class _SetLayer(nn.Module):
    """Residual pair of linear layers; each normalises over the matches of the pair first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(channels, channels)
        self.second = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first(_normalised(x)))
        out: Tensor = x + self.second(torch.relu(_normalised(y)))
        return out


class _ClusterLayer(nn.Module):
    """Pool the matches into clusters, let those exchange, and hand the result back."""

    def __init__(self, channels: int, clusters: int) -> None:
        super().__init__()
        self.down = nn.Linear(channels, clusters)
        self.mix = nn.Linear(clusters, clusters)
        self.up = nn.Linear(channels, clusters)
        self.channel = _SetLayer(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = _normalised(x)
        pooled = torch.softmax(self.down(y), 1).mT @ x  # B, clusters, C
        pooled = self.channel(pooled + self.mix(pooled.mT).mT)
        out: Tensor = x + torch.softmax(self.up(y), 2) @ pooled
        return out


class _Pass(nn.Module):
    """From inputs (B, M, I) to features and logits."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, _CHANNELS)
        self.layers = nn.Sequential(
            _SetLayer(_CHANNELS),
            _SetLayer(_CHANNELS),
            _ClusterLayer(_CHANNELS, _CLUSTERS),
            _SetLayer(_CHANNELS),
            _SetLayer(_CHANNELS),
        )
        self.leave = nn.Linear(_CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.leave(torch.relu(_normalised(self.layers(self.enter(x)))))[..., 0]
        return out


class WeightNetwork(nn.Module):
    """Logits of the matches' weights, of any number of matches."""

    def __init__(self) -> None:
        super().__init__()
        self.look = _Pass(INPUTS)
        self.again = _Pass(INPUTS + 1)

    def forward(self, first: Tensor, second: Tensor, side: Tensor) -> Tensor:
        """Logits (B, M) for normalised image coordinates (B, M, 2) twice and ``side`` (B, M, 3)."""
        x = torch.cat([first, second - first, side], -1).float()
        coarse = self.look(x)
        refined: Tensor = coarse + self.again(torch.cat([x, torch.tanh(coarse)[..., None]], -1))
        return refined


def sampling_logits(logits: Tensor) -> Tensor:
    """Logits by which to draw samples: right matches are all drawn alike, wrong ones hardly ever.

    Drawn by the logits themselves, samples would repeat the few surest matches, close together.
    """
    return F.logsigmoid(logits)


def _normalised(x: Tensor) -> Tensor:
    """(B, M, C) with mean zero and deviation one over the matches."""
    return (x - x.mean(1, keepdim=True)) / (x.std(1, correction=0, keepdim=True) + 1e-3)
