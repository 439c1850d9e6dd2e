"""A prior that asks a frontend: its answer, none, a bad one, and the end of the node."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.frontend.depth.constant_depth import ConstantDepth
from denseba_ros.frontend.frame import DepthPrior
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.images import float_image_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.depth_requests import DepthRequests

LONG = 20.0
IMAGE = torch.zeros(1, 1, 6, 8)


class Bench:
    """A backend's requests, a frontend that notes them, and a thread that needs depth."""

    def __init__(self, ros: Any, calibration: Calibration, wait_seconds: float) -> None:
        self.ros, self.calibration = ros, calibration
        self.node = ros.client()
        self.said: list[str] = []
        self.requests = DepthRequests(
            self.node, ConstantDepth(3.0, 0.7), ThrottledLogger(self.said.append), wait_seconds
        )
        self.asked: list[tuple[int, str]] = []
        self.thread = ThreadPoolExecutor(1)

    def start_frontend(self) -> None:
        self.publishers = {
            name: self.node.create_publisher(Image, f"frontend/{name}", 100)
            for name in ("depth", "depth_uncertainty")
        }
        self.node.create_subscription(
            Header,
            "frontend/depth_request",
            lambda m: self.asked.append((stamp_to_ns(m.stamp), m.frame_id)),
            100,
        )
        self.ros.spin_until(lambda: self.requests.has_frontend, "the frontend")
        publishers = self.publishers.values()
        self.ros.spin_until(
            lambda: all(p.get_subscription_count() for p in publishers), "the backend"
        )

    def prior(self, stamp_ns: int) -> DepthPrior:
        return self.requests.prior(stamp_ns, "camera", IMAGE, self.calibration)

    def needs(self, prior: DepthPrior) -> Future[tuple[Tensor, Tensor]]:
        """The depth as another thread will have it; its request has been heard."""
        count = len(self.asked)
        future = self.thread.submit(lambda: prior.grids)
        self.ros.spin_until(lambda: len(self.asked) > count, "the request")
        return future

    def answer(self, stamp_ns: int, depth: float, sigma: float = 0.25, columns: int = 4) -> None:
        for name, value in (("depth", depth), ("depth_uncertainty", sigma)):
            plane = np.full((3, columns if name == "depth" else 4), value, np.float32)
            self.publishers[name].publish(float_image_to_msg(plane, stamp_ns, "camera"))

    def result(self, future: Future[tuple[Tensor, Tensor]]) -> tuple[float, float]:
        """Depth and deviation of the first pixel."""
        self.ros.spin_until(future.done, "the depth")
        log_depth, sigma = future.result()
        return round(math.exp(float(log_depth[0, 0, 0, 0])), 5), round(float(sigma[0, 0, 0, 0]), 5)


FALLBACK = (3.0, 0.7)


def make_bench(ros: Any, calibration: Calibration, wait_seconds: float) -> Iterator[Bench]:
    bench = Bench(ros, calibration, wait_seconds)
    yield bench
    bench.requests.close()
    bench.thread.shutdown()


@pytest.fixture
def patient(ros: Any, calibration: Calibration) -> Iterator[Bench]:
    """It has a frontend, and waits for long."""
    for bench in make_bench(ros, calibration, LONG):
        bench.start_frontend()
        yield bench


@pytest.fixture
def impatient(ros: Any, calibration: Calibration) -> Iterator[Bench]:
    """It has a frontend, and waits for a moment only."""
    for bench in make_bench(ros, calibration, 0.05):
        bench.start_frontend()
        yield bench


def test_the_depth_is_the_frontends_once_it_is_needed(patient: Bench) -> None:
    used, unused = patient.prior(1), patient.prior(2)
    depth = patient.needs(used)
    patient.answer(1, 2.5)
    assert patient.result(depth) == (2.5, 0.25)
    assert used.grids[0].shape == (1, 1, 3, 4)
    assert patient.asked == [(1, "camera")]
    assert patient.said == []
    del unused


def test_answers_to_others_and_repeated_ones_are_ignored(patient: Bench) -> None:
    depth = patient.needs(patient.prior(1))
    patient.answer(5, 9.0)
    patient.answer(1, 2.5)
    patient.answer(1, 7.0)
    assert patient.result(depth) == (2.5, 0.25)
    depth = patient.needs(patient.prior(6))
    patient.answer(1, 7.0)
    patient.answer(6, 4.0)
    assert patient.result(depth) == (4.0, 0.25)
    assert patient.requests._pending == {}
    assert patient.said == []


def test_without_an_answer_the_depth_is_constant_and_a_warning_says_why(impatient: Bench) -> None:
    prior = impatient.prior(1)
    assert impatient.result(impatient.needs(prior)) == FALLBACK
    assert len(impatient.said) == 1
    assert "no depth of an image from frontend_node within 0.05 s" in impatient.said[0]
    assert "constant depth" in impatient.said[0]
    # The answer that comes late changes nothing.
    impatient.answer(1, 2.5)
    for _ in range(4):
        impatient.ros.executor.spin_once(timeout_sec=0.05)
    assert math.exp(float(prior.grids[0][0, 0, 0, 0])) == pytest.approx(FALLBACK[0])
    assert impatient.requests._pending == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"depth": -1.0}, "not positive and finite"),
        ({"depth": math.nan}, "not positive and finite"),
        ({"depth": 2.0, "columns": 5}, "sizes differ"),
    ],
)
def test_a_bad_answer_is_a_constant_depth_with_a_warning(
    patient: Bench, answer: dict[str, Any], reason: str
) -> None:
    depth = patient.needs(patient.prior(1))
    patient.answer(1, **answer)
    assert patient.result(depth) == FALLBACK
    assert len(patient.said) == 1
    assert reason in patient.said[0]
    # ... and the next one is taken.
    depth = patient.needs(patient.prior(2))
    patient.answer(2, 2.5)
    assert patient.result(depth) == (2.5, 0.25)


def test_without_a_frontend_nobody_waits(ros: Any, calibration: Calibration) -> None:
    for bench in make_bench(ros, calibration, LONG):
        assert not bench.requests.has_frontend
        log_depth, _ = bench.prior(1).grids
        assert math.exp(float(log_depth[0, 0, 0, 0])) == pytest.approx(FALLBACK[0])
        assert "no frontend_node listens to frontend/depth_request" in bench.said[0]


def test_closing_ends_the_wait_at_once_and_for_ever(patient: Bench) -> None:
    depth = patient.needs(patient.prior(1))
    patient.requests.close()
    # The wait itself would take as long as this test may.
    assert torch.exp(depth.result(LONG / 2)[0])[0, 0, 0, 0] == pytest.approx(FALLBACK[0])
    assert patient.prior(2).grids[1][0, 0, 0, 0] == pytest.approx(FALLBACK[1])
    assert patient.said == []
