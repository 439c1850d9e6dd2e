"""A depth prior there and back, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from denseba_ros.errors import ImageError
from denseba_ros.frontend.frame import DepthPrior, FrontendFrame
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.nodes.conversions.depth_messages import (
    DepthMessages,
    depth_from_messages,
    depth_to_messages,
)
from denseba_ros.nodes.conversions.images import float_image_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns

STAMP = 1_234_567_890_123_456_789
CPU = torch.device("cpu")


@pytest.fixture
def messages() -> DepthMessages:
    generator = torch.Generator().manual_seed(0)
    log_depth = torch.randn(1, 1, 3, 4, generator=generator)
    sigma = 0.1 + torch.rand(1, 1, 3, 4, generator=generator)
    image = torch.zeros(1, 1, 6, 8)
    calibration = Calibration(8, 6, 10.0, 10.0, 3.5, 2.5)
    frame = FrontendFrame(STAMP, image, calibration, DepthPrior.known(log_depth, sigma))
    return depth_to_messages(frame, "camera")


def test_depth_comes_back_with_the_stamp_of_its_image(messages: DepthMessages) -> None:
    generator = torch.Generator().manual_seed(0)
    log_depth, sigma = depth_from_messages(messages, CPU)
    expected = torch.randn(1, 1, 3, 4, generator=generator)
    torch.testing.assert_close(log_depth, expected, rtol=1e-6, atol=1e-6)
    expected = 0.1 + torch.rand(1, 1, 3, 4, generator=generator)
    torch.testing.assert_close(sigma, expected, rtol=0, atol=0)
    for message in (messages.depth, messages.depth_uncertainty):
        assert (message.header.frame_id, stamp_to_ns(message.header.stamp)) == ("camera", STAMP)


@pytest.mark.parametrize("name", ["depth", "depth_uncertainty"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_impossible_values_are_refused(messages: DepthMessages, name: str, value: float) -> None:
    plane = np.ones((3, 4), np.float32)
    plane[1, 2] = value
    with pytest.raises(ImageError, match=f"^{name} holds values"):
        depth_from_messages(replace(messages, **{name: float_image_to_msg(plane, 0, "")}), CPU)


def test_grids_of_two_sizes_are_refused(messages: DepthMessages) -> None:
    other = float_image_to_msg(np.ones((3, 5), np.float32), STAMP, "camera")
    with pytest.raises(ImageError, match="sizes differ"):
        depth_from_messages(replace(messages, depth_uncertainty=other), CPU)


def test_another_encoding_is_refused(messages: DepthMessages) -> None:
    messages.depth.encoding = "16UC1"
    with pytest.raises(ImageError, match="32FC1"):
        depth_from_messages(messages, CPU)
