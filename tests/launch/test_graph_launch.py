"""Runs replay_graph.py with launch_testing where ROS brings it and the package is built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

TEST = Path(__file__).with_name("replay_graph.py")


@pytest.mark.timeout(400)
def test_the_launch_files_bring_the_graph_up(
    ros_environment: dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("launch_ros", reason="ROS' launch is not installed: it has no wheel")
    pytest.importorskip("launch_testing", reason="launch_testing is not installed")
    packages = pytest.importorskip("ament_index_python.packages")
    try:
        packages.get_package_prefix("denseba_ros")
    except packages.PackageNotFoundError:
        pytest.skip("denseba_ros is not in the ament index: source ros2_ws/install/setup.bash")
    write_rendered(tmp_path / "room", RoomSequence(frames=30, width=320, height=240))
    environment = ros_environment | {"DENSEBA_TEST_SEQUENCE": str(tmp_path / "room")}
    done = subprocess.run(
        [sys.executable, "-m", "launch_testing.launch_test", str(TEST)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
