"""`node.rerun`: what the node estimates goes to a file below its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
pytest.importorskip("rerun", reason="rerun-sdk is not installed: denseba_ros[view]")

from denseba_ros.errors import ConfigurationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.outputs.node_view import NodeView
from denseba_ros.nodes.parameters.node_config import NodeConfig
from tests.nodes.conftest import CALIBRATION, FakeSystem
from tests.nodes.node_bench import SECOND, Bench


def test_a_node_records_what_it_estimates(
    ros: Any, fake_system: Any, calibration: Calibration, tmp_path: Path
) -> None:
    where = {"node.rerun": "run.rrd", "node.rerun_folder": str(tmp_path)}
    bench = Bench(ros, fake_system, calibration, **where)
    bench.send_info()
    for k in range(4):
        bench.send(SECOND + k * SECOND // 30)
    bench.wait_for_images(4)
    bench.node.close()
    command = [sys.executable, "-m", "rerun", "rrd", "print", "-v", str(tmp_path / "run.rrd")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for entity in ("camera/image", "path/0", "keyframes/123"):
        assert f"/world/{entity}" in printed


@pytest.mark.parametrize(
    "name", ["/etc/run.rrd", "../run.rrd", "run.txt", "link/run.rrd", "recording"]
)
def test_files_outside_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(ConfigurationError, match=r"not a \.rrd file below"):
        NodeView(NodeConfig(rerun=name, rerun_folder=str(folder)))
    assert set(tmp_path.iterdir()) == before


def test_off_is_nothing_at_all() -> None:
    view, source = NodeView(NodeConfig()), FakeSystem()
    assert view.watching(source) is source
    estimate = source.process(1, np.ones((6, 8), np.uint8))

    def image() -> np.ndarray:
        raise AssertionError("nobody looks at it")

    view.show(estimate, image, CALIBRATION, 0.0)
    view.begin_world()
    view.close()
