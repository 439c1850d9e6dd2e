"""Tensors of one channel to and from sensor_msgs/Image 32FC1."""

from __future__ import annotations

import numpy as np
import torch
from sensor_msgs.msg import Image
from torch import Tensor

from denseba_ros.nodes.conversions.images import float_image_from_msg, float_image_to_msg


def tensor_to_msg(tensor: Tensor, stamp_ns: int, frame_id: str) -> Image:
    """(1, 1, h, w) float32, copied to the host and not rounded."""
    return float_image_to_msg(tensor[0, 0].detach().cpu().numpy(), stamp_ns, frame_id)


def tensor_from_msg(message: Image, device: torch.device) -> Tensor:
    """(1, 1, h, w) float32 on ``device``.

    Raises:
        ImageError: when it is not 32FC1, or its data does not fit its size.
    """
    plane = np.array(float_image_from_msg(message), dtype=np.float32)
    return torch.from_numpy(plane)[None, None].to(device)
