"""A small network that tells which matches of a pair belong together.

Matches are a set: every layer treats them alike and sees the others through the statistics of all
(Moo Yi et al., "Learning to find good correspondences", CVPR 2018), through a few clusters
(Zhang et al., "Learning two-view correspondences and geometry using order-aware network",
ICCV 2019) and through the nearest in both images (Zhao et al., "Progressive correspondence pruning
by consensus learning", ICCV 2021). A second pass looks again with the first pass's opinion at hand.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_CHANNELS = 48
_CLUSTERS = 24
_NEIGHBOURS = 8
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


class _Neighbours(nn.Module):
    """What the matches nearest in both images say: right ones move as those around them do."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.own = nn.Linear(channels, channels)
        self.other = nn.Linear(channels, channels)
        self.step = nn.Linear(5, channels)
        self.leave = nn.Linear(2 * channels, channels)

    def forward(self, x: Tensor, index: Tensor, step: Tensor) -> Tensor:
        """``index`` (B, M, K) of the neighbours and the ``step`` (B, M, K, 5) to them."""
        y = _normalised(x)
        batch = torch.arange(len(x), device=x.device)[:, None, None]
        edges = self.own(y)[:, :, None] + self.other(y)[batch, index] + self.step(step)
        edges = torch.relu(edges)
        out: Tensor = x + self.leave(torch.cat([edges.amax(2), edges.mean(2)], -1))
        return out


class _Pass(nn.Module):
    """From inputs (B, M, I) and neighbours to logits (B, M)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, _CHANNELS)
        self.near = nn.ModuleList(_Neighbours(_CHANNELS) for _ in range(2))
        self.before = nn.Sequential(_SetLayer(_CHANNELS), _ClusterLayer(_CHANNELS, _CLUSTERS))
        self.after = nn.Sequential(_SetLayer(_CHANNELS), _SetLayer(_CHANNELS))
        self.leave = nn.Linear(_CHANNELS, 1)

    def forward(self, x: Tensor, index: Tensor, step: Tensor) -> Tensor:
        x = self.before(self.near[0](self.enter(x), index, step))
        x = self.after(self.near[1](x, index, step))
        out: Tensor = self.leave(torch.relu(_normalised(x)))[..., 0]
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
        index, step = _nearest(torch.cat([first, second], -1).float())
        coarse = self.look(x, index, step)
        opinion = torch.tanh(coarse)[..., None]
        refined: Tensor = coarse + self.again(torch.cat([x, opinion], -1), index, step)
        return refined


def _nearest(places: Tensor) -> tuple[Tensor, Tensor]:
    """Indices (B, M, K) of the nearest other matches in both images together, and the step there
    (B, M, K, 5): along the four axes and its length, all in tenths of the focal length."""
    distance = torch.cdist(places, places)
    count = min(_NEIGHBOURS + 1, places.shape[1])
    # The nearest of all is the match itself; alone in the world, it is its own neighbour.
    index = distance.topk(count, largest=False).indices[..., min(1, count - 1) :]
    batch = torch.arange(len(places), device=places.device)[:, None, None]
    step = places[batch, index] - places[:, :, None]
    length = torch.linalg.vector_norm(step, dim=-1, keepdim=True)
    return index, 10.0 * torch.cat([step, length], -1)


def sampling_logits(logits: Tensor) -> Tensor:
    """Logits by which to draw samples: right matches are all drawn alike, wrong ones hardly ever.

    Drawn by the logits themselves, samples would repeat the few surest matches, close together.
    """
    return F.logsigmoid(logits)


def _normalised(x: Tensor) -> Tensor:
    """(B, M, C) with mean zero and deviation one over the matches."""
    return (x - x.mean(1, keepdim=True)) / (x.std(1, correction=0, keepdim=True) + 1e-3)
