"""A small network from one grey image to dense log-depth and its uncertainty.

An image alone gives depth per focal length: an object of the same appearance is twice as far away
when the focal length is twice as long. So the network predicts log(depth / focal length), and one
network serves cameras of different fields of view (Facil et al., "CAM-Convs", CVPR 2019; Yin et
al., "Metric3D", ICCV 2023). The pixels' rays are further input channels of the decoder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from denseba_ros.frontend.depth.depth_network_encoder import CHANNELS, Encoder
from denseba_ros.frontend.pose.cell_rays import cell_rays

# Channels of the decoder at strides 2, 4, 8, 16, 32.
_WIDTHS = (16, 24, 40, 64, 96)
# Depth (metres) that an untrained network predicts for a camera of this focal length in pixels.
_DEPTH, _FOCAL = 5.0, 256.0
# Limits of the predicted log of the Laplace scale.
_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA = math.log(0.02), math.log(2.0)


@dataclass(frozen=True)
class DepthOutput:
    """``log_depth`` (B, 1, h, w), log metres, and ``log_sigma`` (B, 1, h, w), the log of its
    Laplace scale."""

    log_depth: Tensor
    log_sigma: Tensor


class _Separable(nn.Module):
    """Depthwise and pointwise convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.elu(self.depthwise(x), inplace=True)
        return F.elu(self.pointwise(y), inplace=True)


class _Up(nn.Module):
    """One level of the decoder: the coarser features and those of the encoder together."""

    def __init__(self, coarse: int, skip: int, width: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(coarse, width, 1)
        self.skip = nn.Conv2d(skip + 2, width, 1)
        self.join = _Separable(width, width)

    def forward(self, coarse: Tensor, skip: Tensor, rays: Tensor) -> Tensor:
        up = F.interpolate(self.coarse(coarse), skip.shape[-2:], mode="bilinear")
        both = up + self.skip(torch.cat([skip, rays], 1))
        joined: Tensor = self.join(F.elu(both, inplace=True))
        return joined


class DepthNetwork(nn.Module):
    """Encoder, global context, decoder with an output at strides 2, 4, 8 and 16.

    Each batch is of one camera, whose statistics differ from the next one's: the encoder keeps the
    statistics of its pretraining, and the decoder has no normalisation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        bottom = CHANNELS[4] + 2
        self.bottom = nn.Conv2d(bottom, _WIDTHS[4], 1)
        self.context = nn.Sequential(
            nn.Linear(bottom, _WIDTHS[4]), nn.ELU(), nn.Linear(_WIDTHS[4], _WIDTHS[4])
        )
        self.mix = _Separable(_WIDTHS[4], _WIDTHS[4])
        levels = range(3, -1, -1)
        self.ups = nn.ModuleList(_Up(_WIDTHS[k + 1], CHANNELS[k], _WIDTHS[k]) for k in levels)
        self.heads = nn.ModuleList(nn.Conv2d(_WIDTHS[k], 2, 3, padding=1) for k in levels)
        for head in self.heads:
            assert isinstance(head, nn.Conv2d)
            nn.init.normal_(head.weight, std=1e-3)
            assert head.bias is not None
            nn.init.constant_(head.bias, 0.0)
            nn.init.constant_(head.bias[1], math.log(0.3))

    def train(self, mode: bool = True) -> DepthNetwork:
        """Training mode outputs all scales, inference the finest; the encoder's statistics stay."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, image: Tensor, intrinsics: Tensor) -> list[DepthOutput]:
        """Outputs from stride 2 to stride 16; in inference mode of stride 2 only.

        ``image`` (B, 1, H, W) float32 grey 0-255, ``intrinsics`` (B, 4) fx, fy, cx, cy of it.
        """
        features = self.encoder(image)
        rays = [cell_rays(intrinsics, f.shape[-2:], image.shape[-2:]) for f in features]
        deepest = torch.cat([features[4], rays[4]], 1)
        whole = self.context(deepest.mean((2, 3)))[:, :, None, None]
        x = self.mix(F.elu(self.bottom(deepest) + whole, inplace=True))
        focal = (intrinsics[:, 0] * intrinsics[:, 1]).sqrt()
        at = torch.log(focal * (_DEPTH / _FOCAL))[:, None, None, None]
        outputs = []
        for k, up, head in zip(range(3, -1, -1), self.ups, self.heads, strict=True):
            x = up(x, features[k], rays[k])
            if not self.training and k > 0:
                continue
            raw = head(x)
            log_sigma = raw[:, 1:].clamp(_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA)
            outputs.append(DepthOutput(raw[:, :1] + at, log_sigma))
        return outputs[::-1]
