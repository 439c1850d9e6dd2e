"""A recurrent network from consecutive images to the motion between them.

Convolutions make features of each image, whose correlation shows where things went; a flow with a
weight for every cell comes from it. The rotation that explains this flow best is solved for, with
the rays of the cells (the intrinsics layer of Wang et al., "TartanVO", CoRL 2020, made exact), so
that one network serves other cameras. An LSTM over time corrects it and says the rest. Cells are
pooled to a few before the LSTM, whatever the size of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from denseba_ros.frontend.correlation import local_correlation
from denseba_ros.frontend.pose_convention import NED_OF_OPTICAL
from denseba_ros.frontend.rotational_flow import rotated_rays, rotation_from_flow

# Channels of the features at strides 2, 4 and 8, of which the last are correlated.
_FEATURES = (16, 32, 48)
_RADIUS = 4
_JOINED, _BOTTLENECK, _CELLS = 64, 16, (3, 5)
_MEMORY = 128
_SLOPE = 0.1
# Correlations of normalised features are small numbers; this makes them comparable to others.
_LIKENESS = 10.0
# An untrained network says hardly any motion, with these deviations (metres, radians).
_SMALL = 0.01
_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA = math.log(1e-4), math.log(10.0)


@dataclass(frozen=True)
class PoseOutput:
    """Motion T_previous_current of (B, L) pairs, in the network's convention.

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

    def __init__(self, ned: bool = False) -> None:
        """``ned``: motions come out along NED axes (``pose_convention``), not optical ones."""
        super().__init__()
        self.ned = ned
        strided = [_unit(i, o, 2) for i, o in zip((1, *_FEATURES), _FEATURES, strict=False)]
        self.features = nn.Sequential(*strided)
        joined = (2 * _RADIUS + 1) ** 2 + _FEATURES[-1] + 2
        self.join = nn.Sequential(_unit(joined, _JOINED), _unit(_JOINED, _JOINED))
        # Flow (2) in cells and the logarithm of its weight.
        self.flow = nn.Conv2d(_JOINED, 3, 3, padding=1)
        # Untrained, hardly any flow.
        nn.init.normal_(self.flow.weight, std=1e-3)
        assert self.flow.bias is not None
        nn.init.zeros_(self.flow.bias)
        self.bottleneck = nn.Conv2d(_JOINED + 3, _BOTTLENECK, 1)
        self.memory = nn.LSTMCell(_BOTTLENECK * _CELLS[0] * _CELLS[1] + 3, _MEMORY)
        self.head = nn.Linear(_MEMORY, 3 + 3 + 6 + 2)

    def start(self, lanes: int) -> State:
        """What is remembered before the first pair."""
        weight = self.head.weight
        return weight.new_zeros(lanes, _MEMORY), weight.new_zeros(lanes, _MEMORY)

    def forward(
        self, images: Tensor, intrinsics: Tensor, first: Tensor, state: State
    ) -> tuple[PoseOutput, State]:
        """Motions of L pairs in a row of B lanes, and what is remembered after them.

        ``images`` (B, L + 1, 1, H, W) grey 0-255, pair k being the images k and k + 1;
        ``intrinsics`` (B, L, 4); ``first`` (B, L) bool: image k belongs to another run, so pair k
        means nothing, and what was remembered is forgotten.
        """
        lanes, length = first.shape
        features = self.features(images.flatten(0, 1) / 127.5 - 1.0)
        features = features.unflatten(0, (lanes, length + 1))
        pairs = (features[:, :-1].flatten(0, 1), features[:, 1:].flatten(0, 1))
        vector, seen = self._seen(*pairs, intrinsics.flatten(0, 1), images.shape[-2:])
        vector, seen = (x.reshape(lanes, length, -1) for x in (vector, seen))
        remembered = []
        for k in range(length):
            kept = (~first[:, k, None]).to(seen.dtype)
            state = self.memory(seen[:, k], (state[0] * kept, state[1] * kept))
            remembered.append(state[0])
        return self._output(self.head(torch.stack(remembered, 1)), vector), state

    def _seen(
        self, one: Tensor, other: Tensor, intrinsics: Tensor, size: torch.Size
    ) -> tuple[Tensor, Tensor]:
        """Rotation vector (N, 3) by the flow of N pairs, and what the memory is shown of them; from
        features of images of ``size``."""
        likeness = local_correlation(F.normalize(one, dim=1), F.normalize(other, dim=1), _RADIUS)
        rays, cell = _rays(intrinsics, one.shape[-2:], size)
        joined = self.join(torch.cat([_LIKENESS * one.shape[1] * likeness, one, rays], 1))
        said = self.flow(joined)
        flow, weight = said[:, :2] * cell, torch.exp(said[:, 2].clamp(-8.0, 8.0))
        places = rays.flatten(2).mT
        vector = rotation_from_flow(places, flow.flatten(2).mT, weight.flatten(1))
        turned = (rotated_rays(places, vector) - places).mT.reshape(flow.shape)
        # What the rotation leaves of the flow is the translation's.
        shown = torch.cat([joined, (flow - turned) / cell, said[:, 2:]], 1)
        pooled = F.adaptive_avg_pool2d(F.leaky_relu(self.bottleneck(shown), _SLOPE), _CELLS)
        return vector, torch.cat([pooled.flatten(1), vector / _SMALL], 1)

    def _output(self, raw: Tensor, vector: Tensor) -> PoseOutput:
        translation, correction, log_sigma, affine = torch.split(raw, [3, 3, 6, 2], -1)
        vector = vector + _SMALL * correction
        log_sigma = (log_sigma + math.log(_SMALL)).clamp(_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA)
        scale = affine.new_tensor([_SMALL, 1.0])
        translation = translation * _SMALL * 10.0
        if self.ned:
            axes = list(NED_OF_OPTICAL)
            translation, vector = translation[..., axes], vector[..., axes]
            log_sigma = torch.cat(
                [log_sigma[..., :3][..., axes], log_sigma[..., 3:][..., axes]], -1
            )
        return PoseOutput(_quaternion(vector), translation, log_sigma, affine * scale)


def _unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE),
    )


def _quaternion(vector: Tensor) -> Tensor:
    """Unit quaternions (..., 4) of rotation vectors (..., 3), to third order in the angle."""
    # tan(x/2) = x/2 + x^3/24: the direction before it is normalised.
    half = 0.5 * vector * (1.0 + (vector * vector).sum(-1, keepdim=True) / 12.0)
    return F.normalize(torch.cat([half, torch.ones_like(half[..., :1])], -1), dim=-1)


def _rays(intrinsics: Tensor, cells: torch.Size, image: torch.Size) -> tuple[Tensor, Tensor]:
    """Slopes (N, 2, h, w) of the rays through the cells, and the cells' size (N, 2, 1, 1)."""
    fx, fy, cx, cy = intrinsics[:, :, None, None].unbind(1)
    h, w = cells
    down, across = image[0] / h, image[1] / w
    y = (torch.arange(h, device=intrinsics.device) + 0.5)[None, :, None] * down - 0.5
    x = (torch.arange(w, device=intrinsics.device) + 0.5)[None, None, :] * across - 0.5
    shape = (len(intrinsics), h, w)
    rays = torch.stack([((x - cx) / fx).expand(shape), ((y - cy) / fy).expand(shape)], 1)
    return rays, torch.stack([across / fx, down / fy], 1)
