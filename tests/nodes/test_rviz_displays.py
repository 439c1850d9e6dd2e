"""The RViz configuration against the node's topics, QoS and frames, and RViz' own names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.resources import share_file

MANAGER = yaml.safe_load(share_file("config/rviz/denseba.rviz").read_text())[
    "Visualization Manager"
]
DISPLAYS = {d["Topic"]["Value"]: d for d in MANAGER["Displays"] if "Topic" in d}
MESSAGES = {
    "rviz_default_plugins/Path": "Path",
    "rviz_default_plugins/Odometry": "Odometry",
    "rviz_default_plugins/PoseArray": "PoseArray",
    "rviz_default_plugins/PointCloud2": "PointCloud2",
    "rviz_default_plugins/Image": "Image",
    "rviz_default_plugins/Marker": "Marker",
    "rviz_default_plugins/PoseWithCovariance": "PoseWithCovarianceStamped",
}
# Displays that wait for the transform of a message; clouds and images come through transports.
FILTERED = {
    f"rviz_default_plugins/{name}"
    for name in ("Path", "Odometry", "PoseArray", "Marker", "PoseWithCovariance")
}
LIBRARIES = ("rviz_default_plugins", "rviz_common", "rviz_rendering")


def test_every_kind_of_output_is_shown_in_the_frames_of_the_node() -> None:
    assert set(DISPLAYS) == {
        *("/path", "/odometry", "/keyframes", "/points", "/depth/preview", "/image"),
        *("/pose", "/map_path", "/map_points", "/loop_closures"),
    }
    assert any(d["Class"] == "rviz_default_plugins/TF" for d in MANAGER["Displays"])
    assert MANAGER["Global Options"]["Fixed Frame"] == NodeConfig().odom
    views = MANAGER["Views"]
    assert {v["Target Frame"] for v in (views["Current"], *views["Saved"])} == {NodeConfig().base}
    assert [v["Class"] for v in views["Saved"]] == ["rviz_default_plugins/TopDownOrtho"]


def test_latched_topics_are_asked_for_what_came_before() -> None:
    latched = {
        topic
        for topic, display in DISPLAYS.items()
        if display["Topic"]["Durability Policy"] == "Transient Local"
    }
    assert latched == {
        *("/path", "/keyframes", "/points", "/map_path", "/map_points", "/loop_closures")
    }


def test_a_click_says_where_the_robot_is() -> None:
    (tool,) = [t for t in MANAGER["Tools"] if t["Class"] == "rviz_default_plugins/SetInitialPose"]
    assert tool["Topic"]["Value"] == "/initialpose"


def test_only_displays_with_a_message_filter_have_its_size() -> None:
    filtered = {d["Class"] for d in DISPLAYS.values() if "Filter size" in d["Topic"]}
    assert filtered == FILTERED


def test_the_displays_hear_what_the_node_publishes(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    from rclpy.qos import QoSCompatibility, qos_check_compatible

    from tests.nodes.node_bench import Bench

    node = Bench(ros, fake_system, calibration).node
    published = {p.topic_name: p for p in node.publishers}
    for topic, display in DISPLAYS.items():
        if topic == "/image":
            continue  # of the camera
        publisher = published[topic]
        assert publisher.msg_type.__name__ == MESSAGES[display["Class"]]
        match, why = qos_check_compatible(publisher.qos_profile, qos_of(display["Topic"]))
        assert match != QoSCompatibility.ERROR, f"{topic}: {why}"
    image = next(s for s in node.subscriptions if s.topic_name == "/image")
    assert image.msg_type.__name__ == MESSAGES[DISPLAYS["/image"]["Class"]]
    assert DISPLAYS["/image"]["Topic"]["Reliability Policy"] == "Best Effort"


def qos_of(topic: dict[str, Any]) -> Any:
    """The QoS of a display's topic."""
    from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

    def name(policy: str) -> str:
        return str(topic[policy]).upper().replace(" ", "_")

    return QoSProfile(
        depth=topic["Depth"],
        durability=DurabilityPolicy[name("Durability Policy")],
        reliability=ReliabilityPolicy[name("Reliability Policy")],
        history=HistoryPolicy[name("History Policy")],
    )


def test_rviz_knows_every_property() -> None:
    """Names are literals in RViz' libraries; those of at most four letters may be folded away."""
    compiled = rviz_libraries()
    if not compiled:
        pytest.skip("RViz is not installed: no library to look its property names up in")
    assert unknown_names(compiled) == []


def test_a_property_that_rviz_does_not_know_is_found() -> None:
    known = {name for name in property_names(MANAGER) if name != "Decay Time"}
    compiled = b"\0".join(name.encode() for name in sorted(known)) + b"\0"
    assert unknown_names(compiled) == ["Decay Time"]


def rviz_libraries() -> bytes:
    """The contents of RViz' installed libraries, one after the other; empty without RViz."""
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
    paths = [p / "lib" / f"lib{name}.so" for p in prefixes for name in LIBRARIES]
    return b"".join(path.read_bytes() for path in paths if path.is_file())


def unknown_names(compiled: bytes) -> list[str]:
    """Property names of the configuration that do not stand in ``compiled``."""
    names = sorted(name for name in set(property_names(MANAGER)) if len(name) > 4)
    return [name for name in names if name.encode() + b"\0" not in compiled]


def property_names(value: Any) -> Iterator[str]:
    """Every key, but those that are names of frames."""
    if isinstance(value, list):
        for item in value:
            yield from property_names(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key != "Frames":
                yield from property_names(item)
