"""Who listens to `status` says whether images wait."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from denseba_ros.nodes.tools.player_options import PLAYER_NODE
from denseba_ros.nodes.tools.run_timing import TimingProbe


class _Info:
    def __init__(self, node_name: str) -> None:
        self.node_name = node_name


class _Graph:
    """The part of a node that the probe asks; ``listeners`` are names of nodes."""

    def __init__(self) -> None:
        self.listeners = ["denseba_record"]

    def get_name(self) -> str:
        return "denseba_record"

    def resolve_topic_name(self, name: str) -> str:
        return f"/{name}"

    def get_subscriptions_info_by_topic(self, topic: str) -> list[_Info]:
        assert topic == "/status"
        return [_Info(name) for name in self.listeners]


@pytest.fixture
def graph() -> _Graph:
    return _Graph()


@pytest.fixture
def probe(graph: Any, monkeypatch: pytest.MonkeyPatch) -> TimingProbe:
    monkeypatch.setattr("denseba_ros.nodes.tools.run_timing._PERIOD", 0.0)
    return TimingProbe(graph)


def test_nothing_is_known_before_the_first_look(probe: TimingProbe) -> None:
    assert probe.timing == "unknown"


def test_where_nobody_else_listens_no_image_can_wait(probe: TimingProbe) -> None:
    probe.look()
    assert probe.timing == "live"


def test_our_player_listens_in_lockstep_only(probe: TimingProbe, graph: _Graph) -> None:
    probe.look()
    graph.listeners.append(PLAYER_NODE)
    probe.look()
    graph.listeners.remove(PLAYER_NODE)  # it ends before we do
    probe.look()
    assert probe.timing == "lockstep"


def test_another_listener_might_hold_images_back(probe: TimingProbe, graph: _Graph) -> None:
    graph.listeners.append("somebody")
    probe.look()
    graph.listeners.remove("somebody")
    probe.look()
    assert probe.timing == "unknown"
