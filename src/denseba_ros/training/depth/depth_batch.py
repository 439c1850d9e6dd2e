"""A batch of the depth training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DepthBatch:
    """Tensors of B samples of one source.

    ``image`` (B, 1, H, W) grey 0-255, and ``network_image``, the same with changed appearance, the
    network's input; ``intrinsics`` (B, 4) fx, fy, cx, cy; ``depth`` (B, 1, H, W) metres, 0 =
    unknown, ``measured`` or a hint; ``views`` (B, V, 1, H', W') with ``view_intrinsics`` (B, V, 4)
    and ``T_view_image`` (B, V, 4, 4).
    """

    image: Tensor
    network_image: Tensor
    intrinsics: Tensor
    depth: Tensor
    measured: bool
    views: Tensor
    view_intrinsics: Tensor
    T_view_image: Tensor

    def to(self, device: torch.device) -> DepthBatch:
        """The batch on ``device``."""
        return DepthBatch(
            image=self.image.to(device),
            network_image=self.network_image.to(device),
            intrinsics=self.intrinsics.to(device),
            depth=self.depth.to(device),
            measured=self.measured,
            views=self.views.to(device),
            view_intrinsics=self.view_intrinsics.to(device),
            T_view_image=self.T_view_image.to(device),
        )


def stack_batch(parts: Sequence[DepthBatch]) -> DepthBatch:
    """Concatenate batches of the same source."""
    names = (
        "image",
        "network_image",
        "intrinsics",
        "depth",
        "views",
        "view_intrinsics",
        "T_view_image",
    )
    stacked = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return DepthBatch(measured=parts[0].measured, **stacked)
