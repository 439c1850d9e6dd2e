"""The depth network as the frontend's depth model."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE
from denseba_ros.frontend.depth.depth_network import DepthOutput
from denseba_ros.frontend.depth.depth_network_encoder import fold_batch_norm
from denseba_ros.frontend.depth.depth_network_file import DepthWeights
from denseba_ros.frontend.depth.depth_network_pointwise import multiply_pointwise
from denseba_ros.frontend.depth.depth_network_rot180 import rotate_filters, rotated_intrinsics
from denseba_ros.frontend.depth.depth_network_size import network_size
from denseba_ros.geometry.calibration import Calibration

# Standard deviation of a Laplace distribution over its scale.
_LAPLACE = math.sqrt(2.0)
# Standard deviation of an image's log scale on scenes like those of the training; all pixels share
# this error, so no pixel's is smaller.
_SCALE_SIGMA = 0.2
# Shares of the image width between which the mirrored image's depth is faded in at a border.
_RAMP = (0.05, 0.10)


class NetworkDepth:
    """Depth by the project's own network, with or without averaging over the mirrored image."""

    name = "network"

    def __init__(self, weights: DepthWeights, device: torch.device, flip: bool = False) -> None:
        """``weights``: its network is changed in place; ``flip``: average with the mirrored one."""
        network = rotate_filters(fold_batch_norm(weights.network))
        # Channels last: depthwise convolutions are faster so on a CPU.
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if device.type == "cpu":
            network = multiply_pointwise(network)
        self._network = network.to(device).eval()
        self._pixels, self._flip = weights.pixels, flip

    @torch.no_grad()
    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        """Log-depth and its standard deviation (1, 1, H/4, W/4) of ``image`` (1, 1, H, W)."""
        w, h = network_size(calibration.width, calibration.height, self._pixels)
        small = F.interpolate(image, (h, w), mode="area")
        c = calibration.resized(w, h)
        intrinsics = torch.tensor([[c.fx, c.fy, c.cx, c.cy]], device=image.device)
        log_depth, log_sigma = self._depth(small, intrinsics)
        sigma = torch.hypot(_LAPLACE * torch.exp(log_sigma), log_depth.new_tensor(_SCALE_SIGMA))
        if self._flip:
            intrinsics[0, 2] = w - 1 - intrinsics[0, 2]
            mirrored, _ = self._depth(small.flip(3), intrinsics)
            log_depth = flip_average(log_depth, mirrored.flip(3))
        size = (calibration.height // DEPTH_STRIDE, calibration.width // DEPTH_STRIDE)
        return (
            F.interpolate(log_depth, size, mode="bilinear"),
            F.interpolate(sigma, size, mode="bilinear"),
        )

    def _depth(self, image: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
        """Log-depth and the log of its Laplace scale, each (1, 1, h/2, w/2)."""
        h, w = image.shape[-2:]
        rotated = image.flip(2, 3).contiguous(memory_format=torch.channels_last)
        output: DepthOutput = self._network(rotated, rotated_intrinsics(intrinsics, w, h))[0]
        return output.log_depth.flip(2, 3), output.log_sigma.flip(2, 3)


def flip_average(straight: Tensor, mirrored: Tensor) -> Tensor:
    """Mean of two predictions (..., w), the second from the mirrored image and mirrored back.

    At the left border only the mirrored one is used, at the right border only the straight one:
    there each had the wider view (Godard et al., monodepth, CVPR 2017, post-processing).
    """
    w = straight.shape[-1]
    x = (torch.arange(w, device=straight.device, dtype=straight.dtype) + 0.5) / w
    near, far = _RAMP
    left = 1.0 - ((x - near) / (far - near)).clamp(0.0, 1.0)
    right = left.flip(0)
    return left * mirrored + right * straight + (1 - left - right) * 0.5 * (straight + mirrored)
