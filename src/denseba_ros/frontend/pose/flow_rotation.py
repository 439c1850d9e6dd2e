"""The rotation between two feature maps: correlation, weighted flow, least squares.

One stage of the pose network. The next stage has finer features, which are warped by the rotation
of the stage before, so that only a small flow is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from denseba_ros.frontend.pose.cell_rays import cell_rays
from denseba_ros.frontend.pose.correlation import local_correlation, soft_argmax
from denseba_ros.frontend.pose.rotational_flow import rotated_rays, rotation_from_flow

SLOPE = 0.1
# Initial logarithm of the sharpness of the soft arg max.
_SHARPNESS = 3.0
# The log weight of a cell lies between plus and minus this.
_WEIGHT = 8.0


@dataclass(frozen=True)
class Grid:
    """Cells (h, w) of N cameras: their ``rays`` (N, 2, h, w), size ``cell`` (N, 2, 1, 1) and image
    ``centre`` (N, 2, 1, 1), all as slopes (x/z, y/z)."""

    rays: Tensor
    cell: Tensor
    centre: Tensor

    @classmethod
    def of(cls, intrinsics: Tensor, cells: torch.Size, image: torch.Size) -> Grid:
        """From ``intrinsics`` (N, 4) fx, fy, cx, cy of images (H, W), for ``cells`` (h, w)."""
        fx, fy, cx, cy = intrinsics[:, :, None, None].unbind(1)
        cell = torch.stack([image[1] / cells[1] / fx, image[0] / cells[0] / fy], 1)
        middle = ((image[1] - 1) / 2 - cx) / fx, ((image[0] - 1) / 2 - cy) / fy
        return cls(cell_rays(intrinsics, cells, image), cell, torch.stack(middle, 1))

    def sample(self, features: Tensor, rays: Tensor) -> Tensor:
        """Features (N, C, h, w) sampled at slopes ``rays`` (N, 2, h, w); zero outside the image."""
        h, w = features.shape[-2:]
        half = 0.5 * self.cell * self.cell.new_tensor([w, h])[:, None, None]
        coordinates = ((rays - self.centre) / half).permute(0, 2, 3, 1)
        return F.grid_sample(features, coordinates, align_corners=False)


def unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation and leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE),
    )


class FlowRotation(nn.Module):
    """From the features of two images to the rotation between them, and features of the pair."""

    def __init__(self, features: int, radius: int, joined: int, shown: int) -> None:
        """``features``: input channels; ``radius`` of the correlation in cells; ``joined``: inner
        channels; ``shown``: output channels."""
        super().__init__()
        self.radius = radius
        inputs = (2 * radius + 1) ** 2 + features + 2
        self.join = nn.Sequential(unit(inputs, joined), unit(joined, joined))
        self.sharpness = nn.Parameter(torch.tensor(_SHARPNESS))
        # A correction of the flow (2), in cells, and the logarithm of its weight.
        self.flow = nn.Conv2d(joined, 3, 3, padding=1)
        nn.init.normal_(self.flow.weight, std=1e-3)
        assert self.flow.bias is not None
        nn.init.zeros_(self.flow.bias)
        self.shown = nn.Conv2d(joined + 3, shown, 1)

    def forward(
        self, one: Tensor, other: Tensor, grid: Grid, vector: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Rotation vector (N, 3), radians, of R_one_other, and features (N, shown, h, w) of the
        pair.

        ``one``, ``other`` (N, C, h, w); ``grid`` of their cells; ``vector`` (N, 3): initial guess
        of the rotation.
        """
        rays = grid.rays.flatten(2).mT
        predicted = rotated_rays(rays, vector).mT.reshape(grid.rays.shape)
        other = grid.sample(other, predicted)
        correlation = local_correlation(_normalised(one), _normalised(other), self.radius)
        joined = self.join(torch.cat([correlation, one, grid.rays], 1))
        correction = self.flow(joined)
        offset = soft_argmax(correlation, self.sharpness.exp()) + correction[:, :2]
        flow = predicted + offset * grid.cell - grid.rays
        weight = torch.exp(correction[:, 2].clamp(-_WEIGHT, _WEIGHT))
        rotation = rotation_from_flow(rays, flow.flatten(2).mT, weight.flatten(1))
        rotational = rotated_rays(rays, rotation).mT.reshape(grid.rays.shape) - grid.rays
        # The rest of the flow is due to the translation.
        inputs = torch.cat([joined, (flow - rotational) / grid.cell, correction[:, 2:]], 1)
        return rotation, F.leaky_relu(self.shown(inputs), SLOPE)


def _normalised(features: Tensor) -> Tensor:
    """Features (N, C, h, w) of mean square one, so that their mean product is a cosine."""
    return F.normalize(features, dim=1) * math.sqrt(features.shape[1])
