"""A node as a process: how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from denseba_ros.nodes.tools.processes import Processes, node_command
from denseba_ros.resources import share_file

pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")


def test_a_node_that_must_be_secure_does_not_start_without_keys(
    ros_environment: dict[str, str], tmp_path: Path
) -> None:
    secure = {
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
        "ROS_SECURITY_KEYSTORE": str(tmp_path / "none"),
    }
    done = subprocess.run(
        node_command("denseba_node"),
        env=ros_environment | secure,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 2
    assert "SECURITY ERROR" in done.stderr
    assert "Traceback" not in done.stderr


def test_sigint_while_it_loads_ends_it_without_a_traceback(
    ros_environment: dict[str, str],
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", *node_command("denseba_node")[1:]],
        env=ros_environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "torch._C" in line:
            break
    process.send_signal(signal.SIGINT)
    said.append(process.communicate(timeout=100)[1])
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in "".join(said)


def test_sigint_while_it_works_ends_it_cleanly(
    ros_environment: dict[str, str], tmp_path: Path
) -> None:
    with Processes(ros_environment, tmp_path) as processes:
        processes.start("node", node_command("denseba_node", share_file("config/denseba.yaml")))
        processes.wait_for_line("node", "is active", 200.0)
        assert processes.stop("node", seconds=60.0) == 0
        assert "Traceback" not in processes.log("node")


def test_sigint_while_it_is_configured_ends_it(
    ros_environment: dict[str, str], tmp_path: Path
) -> None:
    """Models are loaded and loops compiled then, where Python's handlers do not run."""
    with Processes(ros_environment, tmp_path) as processes:
        processes.start("node", node_command("denseba_node"))
        processes.wait_for_line("node", "is configuring", 200.0)
        assert processes.stop("node", seconds=60.0) == 0
        assert "is active" not in processes.log("node")


def test_the_first_start_says_that_it_compiles_and_can_be_ended(
    ros_environment: dict[str, str], tmp_path: Path
) -> None:
    fresh = {**ros_environment, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    with Processes(fresh, tmp_path) as processes:
        processes.start("node", node_command("denseba_node"))
        processes.wait_for_line("node", "[INFO] [denseba]: compiling", 200.0)
        assert processes.stop("node", seconds=60.0) in (0, -signal.SIGINT)
        log = processes.log("node")
        assert "Traceback" not in log
        assert log.count("compiling") == 1
