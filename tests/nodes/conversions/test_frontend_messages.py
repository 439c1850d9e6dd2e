"""Frames of a frontend there and back, without their depth."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from denseba_ros.errors import ImageError
from denseba_ros.frontend.frame import DepthPrior, FrontendFrame, Motion
from denseba_ros.geometry.body_frame import T_base_optical
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.nodes.conversions.frontend_messages import (
    FrontendMessages,
    frame_from_messages,
    frame_to_messages,
)

STAMP = 1_234_567_890_123_456_789
CPU = torch.device("cpu")
CALIBRATION = Calibration(8, 6, 10.0, 10.0, 3.5, 2.5)


def never() -> tuple[Tensor, Tensor]:
    raise AssertionError("nobody asked for the depth")


def frontend_frame(motion: Motion | None) -> FrontendFrame:
    image = 255 * torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    return FrontendFrame(STAMP, image, CALIBRATION, DepthPrior(never), motion)


def from_messages(messages: FrontendMessages) -> FrontendFrame:
    return frame_from_messages(messages, CPU, lambda _, __: DepthPrior(never))


def assert_same_frame(result: FrontendFrame, frame: FrontendFrame) -> None:
    assert (result.stamp_ns, result.calibration) == (frame.stamp_ns, frame.calibration)
    torch.testing.assert_close(result.image, frame.image, rtol=0, atol=0)


def test_frames_come_back_without_a_depth_being_computed() -> None:
    T = torch.from_numpy(T_base_optical(1.0, 2.0, 3.0, 0.1, 0.2, 0.3))
    motion = Motion(T, torch.diag(torch.arange(1.0, 7.0, dtype=torch.float64)), 1.5, -2.0)
    frame = frontend_frame(motion)
    result = from_messages(frame_to_messages(frame, "camera"))
    assert_same_frame(result, frame)
    assert result.motion is not None
    torch.testing.assert_close(result.motion.T_previous_current, T)
    torch.testing.assert_close(result.motion.covariance, motion.covariance)
    assert (result.motion.gain, result.motion.offset) == (1.5, -2.0)


def test_a_frontend_without_an_opinion_on_motion_has_none_on_the_other_side() -> None:
    frame = frontend_frame(None)
    result = from_messages(frame_to_messages(frame, "camera"))
    assert_same_frame(result, frame)
    assert result.motion is None


def test_the_depth_is_that_of_the_image() -> None:
    asked: list[tuple[Tensor, Calibration]] = []

    def depth_of(image: Tensor, calibration: Calibration) -> DepthPrior:
        asked.append((image, calibration))
        return DepthPrior.known(image + 1, image + 2)

    messages = frame_to_messages(frontend_frame(None), "camera")
    result = frame_from_messages(messages, CPU, depth_of)
    ((image, calibration),) = asked
    assert calibration == CALIBRATION
    torch.testing.assert_close(image, result.image)
    torch.testing.assert_close(result.log_depth, result.image + 1)


def test_a_frame_of_another_size_is_refused() -> None:
    messages = frame_to_messages(frontend_frame(None), "camera")
    messages.camera_info.width = 9
    with pytest.raises(ImageError, match="sizes differ"):
        from_messages(messages)
