"""`denseba demo` as a newcomer runs it, shortened."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from denseba_ros.nodes.tools.processes import denseba_command

FRAMES = "45"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("direct", [False, True])
def test_the_demo_ends_sane_and_leaves_its_pictures(
    direct: bool, ros_environment: dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
    options = ["--out", str(tmp_path / "demo"), "--count", FRAMES]
    done = subprocess.run(
        denseba_command("demo", *options, *(["--direct"] if direct else [])),
        env=ros_environment,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("WITHOUT any ROS 2 node" in done.stdout) == direct
    results = tmp_path / "demo" / "results"
    poses = {"trajectory.txt"} if direct else {"odometry.txt", "map.txt", "states.txt"}
    files = {path.name for path in results.iterdir()}
    assert {"path.png", "errors.png", "depth.png", *poses} <= files
    summary = json.loads((results / "summary.json").read_text())
    assert summary["frames"] == int(FRAMES)
    assert ("messages" in summary) != direct
    assert summary["timing"] == "lockstep"
    assert ("error of odometry" in done.stdout) != direct
    assert "error of map" in done.stdout
