"""When odometry is predicted because an image takes long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.outputs.silence_watchdog import SilenceWatchdog


class FakeOutputs:
    """Remembers for which images a prediction was asked for, and with which limit."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], float]] = []

    def publish_prediction(
        self, stamps_ns: tuple[int, ...], _: CameraMount, max_silence: float
    ) -> None:
        self.asked.append((stamps_ns, max_silence))


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


def test_the_image_in_process_and_the_one_that_waits_may_be_predicted() -> None:
    outputs = FakeOutputs()
    dog, tick = watchdog(outputs, MOUNT)
    dog.processing(2)
    dog.received(3)
    tick()
    assert outputs.asked == [((2, 3), 10.0)]


def test_nothing_is_predicted_where_no_image_waits() -> None:
    outputs = FakeOutputs()
    dog, tick = watchdog(outputs, MOUNT)
    dog.received(2)
    dog.processing(2)
    tick()
    assert outputs.asked == []


@pytest.mark.parametrize(("mount", "max_silence"), [(MOUNT, 0.0), (None, 10.0)])
def test_nothing_is_predicted_where_it_is_switched_off_or_without_a_mount(
    mount: CameraMount | None, max_silence: float
) -> None:
    outputs = FakeOutputs()
    dog, tick = watchdog(outputs, mount, max_silence)
    dog.processing(2)
    dog.received(3)
    tick()
    assert outputs.asked == []
