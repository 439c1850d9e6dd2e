"""Figures of a live run from made-up messages."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.benchmark.live.live_figures import changes, live_figures
from denseba_ros.benchmark.live.outputs_heard import OutputsHeard
from denseba_ros.benchmark.live.process_usage import ProcessUsage
from tests.benchmark.live.made_up import OPTICAL, odometry, sent, status, transforms

USAGE = ProcessUsage(3.0, 1.0, 512.0)


def heard() -> OutputsHeard:
    """0 initialises, 1 to 3 are measured, 4 is dropped and coasted, 5 and 6 lost, 7 measured after
    its prediction, 8 lost, 9 on its way for ever."""
    moved = np.eye(4)
    moved[0, 3] = 0.3
    messages = [status(0, "initialising")]
    for k, after in ((1, 0.020), (2, 0.040), (3, 0.030)):
        messages += [odometry(k, after), status(k), transforms(k, np.eye(4))]
    messages += [odometry(4, 0.200), status(4, "dropped")]
    messages += [odometry(5, 0.050), status(5, "lost"), status(6, "lost")]
    messages += [odometry(7, 0.100), status(7, predicted_before=True), transforms(7, moved)]
    messages += [odometry(8, 0.060), status(8, "lost")]
    return OutputsHeard([sent(k) for k in range(10)], messages)


def test_every_image_is_counted_once() -> None:
    run = heard()
    images = live_figures(run, run.poses(OPTICAL), USAGE)["images"]
    assert images == {
        "published": 10,
        "tracked": 4,
        "initialising": 1,
        "lost": 3,
        "dropped": {"too slow": 1},
        "without_status": 1,
        "without_odometry": 3,
    }


def test_latency_is_from_publication_to_arrival() -> None:
    run = heard()
    figures = live_figures(run, run.poses(OPTICAL), USAGE)
    assert figures["poses"] == {"tracked": 3, "predicted": 2, "lost": 2}
    measured, every = figures["latency_ms"]["measured"], figures["latency_ms"]["all"]
    assert (measured["count"], every["count"]) == (3, 7)
    assert measured["p50"] == pytest.approx(30.0)
    assert measured["max"] == pytest.approx(40.0)
    assert every["max"] == pytest.approx(200.0)
    assert every["p50"] <= every["p95"] <= every["p99"] <= every["max"]


def test_losses_changes_and_cost() -> None:
    run = heard()
    figures = live_figures(run, run.poses(OPTICAL), USAGE)
    assert figures["losses"] == 2
    assert figures["map_to_odom"] == {
        "changes": 1,
        "largest_m": pytest.approx(0.3),
        "largest_deg": pytest.approx(0.0),
    }
    assert figures["node"]["cpu_ms_per_processed_image"] == pytest.approx(500.0)
    assert figures["times_real_time"] == pytest.approx(1.0)
    assert figures["odometry_frames"] == 1
    assert figures["seconds_per_frame"]["total"]["frames"] == 8


def test_a_node_that_said_nothing_has_no_figures() -> None:
    figures = live_figures(OutputsHeard([sent(0)]), [], USAGE)
    assert figures["latency_ms"] == {"measured": None, "all": None}
    assert figures["images"]["without_status"] == 1
    assert figures["map_to_odom"] is None
    assert figures["times_real_time"] is None
    assert figures["node"]["cpu_ms_per_processed_image"] is None


def test_a_turn_of_the_map_is_a_change_and_rounding_is_none() -> None:
    turned = np.eye(4)
    turned[:2, :2] = [[0.0, -1.0], [1.0, 0.0]]
    found = changes([np.eye(4), np.eye(4) + 1e-9, turned])
    assert found == {
        "changes": 1,
        "largest_m": pytest.approx(0.0, abs=1e-6),
        "largest_deg": pytest.approx(90.0),
    }
