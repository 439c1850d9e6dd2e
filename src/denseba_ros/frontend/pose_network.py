"""A recurrent network from consecutive images to the motion between them.

Convolutions over the pair, an LSTM over time. The rays of the pixels go in beside the images (the
intrinsics layer of Wang et al., "TartanVO", CoRL 2020), so that one network serves other cameras,
and the features are pooled to a few cells before the LSTM, whatever the size of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_CHANNELS = (16, 32, 64, 96, 128, 128)
_BOTTLENECK, _CELLS = 24, (3, 5)
_MEMORY = 128
_SLOPE = 0.1
# An untrained network says hardly any motion, with these deviations (metres, radians).
_SMALL = 0.01
_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA = math.log(1e-4), math.log(10.0)


@dataclass(frozen=True)
class PoseOutput:
    """Motion T_previous_current of (B, L) pairs, in the convention that the network was trained in.

    ``quaternion`` (B, L, 4) x, y, z, w of length one; ``translation`` (B, L, 3); ``log_sigma``
    (B, L, 6) of translation and rotation vector; ``affine`` (B, L, 2) = (a, b): the current image
    is exp(a) * previous + b.
    """

    quaternion: Tensor
    translation: Tensor
    log_sigma: Tensor
    affine: Tensor

    @property
    def covariance(self) -> Tensor:
        """(B, L, 6, 6), diagonal."""
        return torch.diag_embed(torch.exp(2.0 * self.log_sigma))


# What an LSTM remembers: output and cell, each (B, memory).
State = tuple[Tensor, Tensor]


class PoseNetwork(nn.Module):
    """Batch normalisation and leaky ReLU in the encoder, one LSTM cell, linear heads."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 4
        for outputs in _CHANNELS:
            layers += [
                nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(_SLOPE),
            ]
            inputs = outputs
        self.encoder = nn.Sequential(*layers)
        self.bottleneck = nn.Conv2d(inputs, _BOTTLENECK, 1)
        self.memory = nn.LSTMCell(_BOTTLENECK * _CELLS[0] * _CELLS[1], _MEMORY)
        self.head = nn.Linear(_MEMORY, 3 + 3 + 6 + 2)

    def start(self, lanes: int) -> State:
        """What is remembered before the first pair."""
        weight = self.head.weight
        return weight.new_zeros(lanes, _MEMORY), weight.new_zeros(lanes, _MEMORY)

    def forward(
        self, previous: Tensor, current: Tensor, intrinsics: Tensor, first: Tensor, state: State
    ) -> tuple[PoseOutput, State]:
        """Motions of L pairs in a row of B lanes, and what is remembered after them.

        ``previous``, ``current`` (B, L, 1, H, W) grey 0-255; ``intrinsics`` (B, L, 4); ``first``
        (B, L) bool: this pair begins another run, so what was remembered is forgotten.
        """
        lanes, length = previous.shape[:2]
        pairs = torch.cat([previous, current], 2).flatten(0, 1) / 127.5 - 1.0
        rays = _rays(intrinsics.flatten(0, 1), pairs.shape[-2], pairs.shape[-1])
        features = F.leaky_relu(self.bottleneck(self.encoder(torch.cat([pairs, rays], 1))), _SLOPE)
        pooled = F.adaptive_avg_pool2d(features, _CELLS).reshape(lanes, length, -1)
        remembered = []
        for k in range(length):
            kept = (~first[:, k, None]).to(pooled.dtype)
            state = self.memory(pooled[:, k], (state[0] * kept, state[1] * kept))
            remembered.append(state[0])
        return _output(self.head(torch.stack(remembered, 1))), state


def _output(raw: Tensor) -> PoseOutput:
    translation, vector, log_sigma, affine = torch.split(raw, [3, 3, 6, 2], -1)
    # The real part is one before it is normalised: rotations between images are small.
    one = torch.ones_like(vector[..., :1])
    quaternion = F.normalize(torch.cat([_SMALL * vector, one], -1), dim=-1)
    log_sigma = (log_sigma + math.log(_SMALL)).clamp(_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA)
    scale = affine.new_tensor([_SMALL, 1.0])
    return PoseOutput(quaternion, translation * _SMALL * 10.0, log_sigma, affine * scale)


def _rays(intrinsics: Tensor, height: int, width: int) -> Tensor:
    """Slopes (B, 2, H, W) of the pixels' rays."""
    fx, fy, cx, cy = intrinsics[:, :, None, None].unbind(1)
    y = torch.arange(height, device=intrinsics.device)[None, :, None]
    x = torch.arange(width, device=intrinsics.device)[None, None, :]
    shape = (len(intrinsics), height, width)
    return torch.stack([((x - cx) / fx).expand(shape), ((y - cy) / fy).expand(shape)], 1)
