"""The Foxglove layout against the node's topics and frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.resources import share_file

LAYOUT = json.loads(share_file("config/foxglove/denseba.json").read_text())
PANELS = LAYOUT["configById"]
MESSAGES = {
    "/path": "Path",
    "/odometry": "Odometry",
    "/keyframes": "PoseArray",
    "/points": "PointCloud2",
    "/rectified/image": "Image",
    "/rectified/camera_info": "CameraInfo",
    "/depth/preview/compressed": "CompressedImage",
    "/diagnostics": "DiagnosticArray",
}


def placed(part: Any) -> Iterator[str]:
    """The panels of a part of the window."""
    if isinstance(part, str):
        yield part
    else:
        assert part["direction"] in ("row", "column")
        yield from placed(part["first"])
        yield from placed(part["second"])


def topics() -> Iterator[str]:
    for panel in PANELS.values():
        yield from panel.get("topics", {})
        yield from panel.get("imageMode", {}).values()
        yield from (path["value"].partition(".")[0] for path in panel.get("paths", []))
        if "topicToRender" in panel:
            yield panel["topicToRender"]


def test_every_panel_has_its_place() -> None:
    assert sorted(placed(LAYOUT["layout"])) == sorted(PANELS)


def test_the_map_follows_the_robot() -> None:
    panel = PANELS["3D!map"]
    assert panel["followTf"] == NodeConfig().base
    assert panel["layers"]["grid"]["frameId"] == NodeConfig().odom


def test_the_topics_are_those_of_the_node(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    from tests.nodes.node_bench import Bench

    published = Bench(ros, fake_system, calibration).node.publishers
    types = {p.topic_name: p.msg_type.__name__ for p in published}
    assert {topic: types[topic] for topic in topics()} == MESSAGES
