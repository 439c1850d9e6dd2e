"""The depth prior of an image as standard messages: a frontend's answer to a backend's request.

| topic                        | message                                                    |
|------------------------------|------------------------------------------------------------|
| `frontend/depth_request`     | Header, backend to frontend                                |
| `frontend/depth`             | Image 32FC1, metres                                        |
| `frontend/depth_uncertainty` | Image 32FC1, standard deviation of the log of the depth    |

All three carry the image's stamp and frame_id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from sensor_msgs.msg import Image
from torch import Tensor

from denseba_ros.errors import ImageError
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.nodes.conversions.tensor_images import tensor_from_msg, tensor_to_msg


@dataclass(frozen=True)
class DepthMessages:
    """The two messages of one depth, in the order of ``DEPTH_TOPICS``."""

    depth: Image
    depth_uncertainty: Image


REQUEST_TOPIC = "frontend/depth_request"
DEPTH_TOPICS: dict[str, Any] = {"depth": Image, "depth_uncertainty": Image}
"""Field of DepthMessages, and last part of the topic's name, to the message's type."""


def depth_to_messages(frame: FrontendFrame, frame_id: str) -> DepthMessages:
    """The depth of a frame of the camera ``frame_id``; computes it where it is not known yet."""
    return DepthMessages(
        depth=tensor_to_msg(torch.exp(frame.log_depth), frame.stamp_ns, frame_id),
        depth_uncertainty=tensor_to_msg(frame.log_depth_sigma, frame.stamp_ns, frame_id),
    )


def depth_from_messages(messages: DepthMessages, device: torch.device) -> tuple[Tensor, Tensor]:
    """Log-depth (log metres) and its standard deviation, each (1, 1, h, w) float32 on ``device``.

    Raises:
        ImageError: when one is not 32FC1 or does not fit the other, or holds values that are not
            positive and finite.
    """
    depth = tensor_from_msg(messages.depth, device)
    sigma = tensor_from_msg(messages.depth_uncertainty, device)
    if depth.shape != sigma.shape:
        raise ImageError(f"sizes differ: {tuple(depth.shape[2:])} and {tuple(sigma.shape[2:])}")
    for name, values in (("depth", depth), ("depth_uncertainty", sigma)):
        if not torch.all(torch.isfinite(values) & (values > 0)):
            raise ImageError(f"{name} holds values that are not positive and finite")
    return torch.log(depth), sigma
