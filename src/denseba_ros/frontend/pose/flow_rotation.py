"""The rotation between two feature maps: zncc, flow with weights, least squares.

One stage of the pose network. A further one looks with finer features, in a map that the rotation
of the stage before has turned back, so that little of the flow is left to find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from denseba_ros.frontend.pose.cell_rays import cell_rays
from denseba_ros.frontend.pose.correlation import local_correlation, mean_move
from denseba_ros.frontend.pose.rotational_flow import rotated_rays, rotation_from_flow

SLOPE = 0.1
# Logarithm of the sharpness of the correlation's peak, to begin with.
_SHARPNESS = 3.0
# The log weight of a cell lies between plus and minus this.
_WEIGHT = 8.0


@dataclass(frozen=True)
class Grid:
    """Cells (h, w) of N cameras: slopes of their ``rays`` (N, 2, h, w) and sizes ``cell``
    (N, 2, 1, 1) in slopes; ``centre`` (N, 2, 1, 1) the slopes of the middle of the image."""

    rays: Tensor
    cell: Tensor
    centre: Tensor

    @classmethod
    def of(cls, intrinsics: Tensor, cells: torch.Size, image: torch.Size) -> Grid:
        """From ``intrinsics`` (N, 4) of images of (H, W) pixels."""
        fx, fy, cx, cy = intrinsics[:, :, None, None].unbind(1)
        cell = torch.stack([image[1] / cells[1] / fx, image[0] / cells[0] / fy], 1)
        middle = ((image[1] - 1) / 2 - cx) / fx, ((image[0] - 1) / 2 - cy) / fy
        return cls(cell_rays(intrinsics, cells, image), cell, torch.stack(middle, 1))

    def seen_at(self, features: Tensor, rays: Tensor) -> Tensor:
        """Features (N, C, h, w) at the slopes ``rays`` (N, 2, h, w); zero outside the image."""
        h, w = features.shape[-2:]
        half = 0.5 * self.cell * self.cell.new_tensor([w, h])[:, None, None]
        places = ((rays - self.centre) / half).permute(0, 2, 3, 1)
        return F.grid_sample(features, places, align_corners=False)


def unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation and leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE),
    )


class FlowRotation(nn.Module):
    """From the features of two images to the rotation between them, and what else is seen."""

    def __init__(self, features: int, radius: int, joined: int, shown: int) -> None:
        """``radius`` in cells of the search; ``joined`` channels inside, ``shown`` outside."""
        super().__init__()
        self.radius = radius
        inputs = (2 * radius + 1) ** 2 + features + 2
        self.join = nn.Sequential(unit(inputs, joined), unit(joined, joined))
        self.sharpness = nn.Parameter(torch.tensor(_SHARPNESS))
        # What is added to the flow (2) of the peak, in cells, and the logarithm of its weight.
        self.flow = nn.Conv2d(joined, 3, 3, padding=1)
        nn.init.normal_(self.flow.weight, std=1e-3)
        assert self.flow.bias is not None
        nn.init.zeros_(self.flow.bias)
        self.shown = nn.Conv2d(joined + 3, shown, 1)

    def forward(
        self, one: Tensor, other: Tensor, grid: Grid, vector: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Rotation vector (N, 3) of R_one_other and what is shown of the pair (N, shown, h, w).

        ``one``, ``other`` (N, C, h, w); ``vector`` (N, 3): the rotation as far as it is known,
        around which is looked.
        """
        places = grid.rays.flatten(2).mT
        known = rotated_rays(places, vector).mT.reshape(grid.rays.shape)
        other = grid.seen_at(other, known)
        zncc = local_correlation(_normal(one), _normal(other), self.radius)
        joined = self.join(torch.cat([zncc, one, grid.rays], 1))
        said = self.flow(joined)
        move = mean_move(zncc, self.sharpness.exp()) + said[:, :2]
        flow = known + move * grid.cell - grid.rays
        weight = torch.exp(said[:, 2].clamp(-_WEIGHT, _WEIGHT))
        found = rotation_from_flow(places, flow.flatten(2).mT, weight.flatten(1))
        turned = rotated_rays(places, found).mT.reshape(grid.rays.shape) - grid.rays
        # What the rotation leaves of the flow is the translation's.
        seen = torch.cat([joined, (flow - turned) / grid.cell, said[:, 2:]], 1)
        return found, F.leaky_relu(self.shown(seen), SLOPE)


def _normal(features: Tensor) -> Tensor:
    """Features (N, C, h, w) of variance one, so that their mean product is a cosine."""
    return F.normalize(features, dim=1) * math.sqrt(features.shape[1])
