"""The depth of exactly the images that a backend asks for, computed outside of the executor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from denseba_ros.frontend.frame import DepthPrior, FrontendFrame
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns
from denseba_ros.nodes.outputs.depth_on_request import DepthOnRequest


class Model:
    """Counts its calls; waits in each until ``go_on``."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.threads: set[str] = set()
        self.has_grad: list[bool] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None

    def frame(self, stamp_ns: int, calibration: Calibration) -> FrontendFrame:
        weight = torch.nn.Parameter(torch.full((1, 1, 3, 4), 0.5))

        def predict() -> tuple[Tensor, Tensor]:
            self.calls.append(stamp_ns)
            self.threads.add(threading.current_thread().name)
            assert self.go_on.wait(10.0)
            if self.error is not None:
                raise self.error
            log_depth = weight * 2
            self.has_grad.append(log_depth.requires_grad)
            return log_depth, weight

        return FrontendFrame(stamp_ns, torch.zeros(1, 1, 6, 8), calibration, DepthPrior(predict))


class Bench:
    """A frontend's answers, a backend that asks, and what it hears."""

    def __init__(self, ros: Any, calibration: Calibration) -> None:
        self.ros, self.calibration, self.model = ros, calibration, Model()
        node = ros.client()
        self.said: list[str] = []
        self.depth = DepthOnRequest(node, ThrottledLogger(self.said.append))
        self.heard: dict[str, list[int]] = {"depth": [], "depth_uncertainty": []}
        assert not self.depth.has_backend
        self.requests = node.create_publisher(Header, "frontend/depth_request", 100)
        for name, stamps in self.heard.items():
            node.create_subscription(
                Image,
                f"frontend/{name}",
                lambda m, stamps=stamps: stamps.append(stamp_to_ns(m.header.stamp)),
                100,
            )
        ros.spin_until(lambda: self.depth.has_backend, "the backend")
        ros.spin_until(self.requests.get_subscription_count, "the frontend")

    def remember(self, *stamps: int) -> None:
        for stamp_ns in stamps:
            self.depth.remember(self.model.frame(stamp_ns, self.calibration))

    def ask(self, stamp_ns: int) -> None:
        self.requests.publish(make_header(stamp_ns, "camera"))

    def wait_for(self, count: int) -> None:
        self.ros.spin_until(
            lambda: all(len(stamps) >= count for stamps in self.heard.values()), f"{count} depths"
        )


@pytest.fixture
def bench(ros: Any, calibration: Calibration) -> Iterator[Bench]:
    bench = Bench(ros, calibration)
    yield bench
    bench.depth.close()


def test_the_model_runs_for_the_requested_images_only(bench: Bench) -> None:
    bench.remember(*range(1, 11))
    bench.ask(7)
    bench.ask(3)
    bench.wait_for(2)
    assert bench.model.calls == [7, 3]
    assert bench.heard == {"depth": [7, 3], "depth_uncertainty": [7, 3]}
    assert bench.said == []


def test_it_runs_in_a_thread_of_its_own_without_gradients(bench: Bench) -> None:
    bench.remember(1)
    bench.ask(1)
    bench.wait_for(1)
    (thread,) = bench.model.threads
    assert thread.startswith("denseba depth")
    assert bench.model.has_grad == [False]


def test_images_and_requests_come_while_it_runs(bench: Bench) -> None:
    bench.remember(1)
    bench.model.go_on.clear()
    bench.ask(1)
    bench.ros.spin_until(lambda: bench.model.calls, "the model")
    bench.remember(2)
    # The same image again while it is under way: one answer.
    bench.ask(1)
    bench.ask(99)
    bench.ros.spin_until(lambda: bench.said, "the warning about the last request")
    bench.model.go_on.set()
    bench.ask(2)
    bench.wait_for(2)
    assert bench.model.calls == [1, 2]
    assert bench.heard["depth"] == [1, 2]


def test_unknown_and_forgotten_images_are_a_warning(bench: Bench) -> None:
    bench.remember(*range(1, 71))
    bench.ask(5)
    bench.ask(80)
    bench.ask(70)
    bench.wait_for(1)
    assert bench.model.calls == [70]
    assert len(bench.said) == 1
    assert "(5 ns) is none of the last 60" in bench.said[0]


def test_a_stamp_that_comes_again_is_another_image(bench: Bench) -> None:
    bench.remember(1)
    bench.ask(1)
    bench.wait_for(1)
    bench.remember(1)
    bench.ask(1)
    bench.wait_for(2)
    assert bench.model.calls == [1, 1]


def test_a_model_that_fails_is_a_warning_and_the_next_request_is_answered(bench: Bench) -> None:
    bench.remember(1, 2)
    bench.model.error = ValueError("no such layer")
    bench.ask(1)
    bench.ros.spin_until(lambda: bench.said, "the warning")
    assert "no such layer" in bench.said[0]
    bench.model.error = None
    bench.ask(2)
    bench.wait_for(1)
    assert bench.heard["depth"] == [2]


def test_after_closing_nothing_is_computed(bench: Bench) -> None:
    bench.remember(1)
    bench.depth.close()
    bench.ask(1)
    for _ in range(5):
        bench.ros.executor.spin_once(timeout_sec=0.05)
    assert bench.model.calls == []
    assert bench.said == []
