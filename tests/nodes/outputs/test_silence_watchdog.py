"""When odometry is predicted because an image takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.outputs.silence_watchdog import SilenceWatchdog


class FakeOutputs:
    """Silent since ``silence`` seconds; the newest odometry is that of stamp 1."""

    def __init__(self, silence: float = 100.0) -> None:
        self.last_published_at = time.monotonic() - silence
        self.last_stamp_ns: int | None = 1
        self.predicted: list[int] = []

    def publish_prediction(self, stamp_ns: int, _: CameraMount) -> None:
        self.predicted.append(stamp_ns)
        self.last_stamp_ns = stamp_ns


class FakeNode:
    """Keeps the timer's callback."""

    def create_timer(self, _: float, callback: Callable[[], None], **__: Any) -> None:
        self.tick = callback


def watchdog(
    outputs: FakeOutputs, mount: CameraMount | None, max_silence: float = 10.0
) -> tuple[SilenceWatchdog, Callable[[], None]]:
    node: Any = FakeNode()
    pretended: Any = outputs
    return SilenceWatchdog(node, pretended, lambda: mount, max_silence), node.tick


MOUNT = CameraMount(np.eye(4))


def test_the_image_in_process_is_predicted_first_then_the_one_that_waits() -> None:
    outputs = FakeOutputs()
    dog, tick = watchdog(outputs, MOUNT)
    dog.processing(2)
    dog.received(3)
    tick()
    assert outputs.predicted == [2]
    tick()
    tick()
    assert outputs.predicted == [2, 3]


def test_nothing_is_predicted_where_no_image_waits() -> None:
    outputs = FakeOutputs()
    dog, tick = watchdog(outputs, MOUNT)
    dog.received(2)
    dog.processing(2)
    tick()
    assert outputs.predicted == []


@pytest.mark.parametrize(
    ("outputs", "mount", "max_silence"),
    [
        (FakeOutputs(silence=0.0), MOUNT, 1e9),
        (FakeOutputs(), MOUNT, 0.0),
        (FakeOutputs(), None, 10.0),
    ],
)
def test_nothing_is_predicted_where_it_is_not_silent_switched_off_or_without_a_mount(
    outputs: FakeOutputs, mount: CameraMount | None, max_silence: float
) -> None:
    dog, tick = watchdog(outputs, mount, max_silence)
    dog.processing(2)
    dog.received(3)
    tick()
    assert outputs.predicted == []


def test_nothing_is_predicted_before_the_first_odometry() -> None:
    outputs = FakeOutputs()
    outputs.last_stamp_ns = None
    dog, tick = watchdog(outputs, MOUNT)
    dog.processing(2)
    dog.received(3)
    tick()
    assert outputs.predicted == []
