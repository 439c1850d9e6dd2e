"""`denseba benchmark live`: mistakes, and real processes on a short rendered room."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from denseba_ros.cli.main import main
from denseba_ros.nodes.tools.processes import denseba_command
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

FRAMES = 45


def call(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
    return subprocess.run(
        denseba_command("benchmark", "live", *arguments),
        env=environment,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("is_distributed", [False, True])
def test_every_image_of_a_room_is_accounted_for(
    ros_environment: dict[str, str], tmp_path: Path, is_distributed: bool
) -> None:
    write_rendered(tmp_path / "room", RoomSequence(frames=FRAMES, width=320, height=240))
    out = tmp_path / "live"
    options = ["--out", str(out), "--rate", "0.2", "--load", "1"]
    options += ["--distributed"] if is_distributed else []
    # A reliable subscription: on a busy machine best effort may lose images by design.
    done = call(
        ros_environment, str(tmp_path / "room"), *options, "--set", "node.image_qos=reliable"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads((out / "live.json").read_text())
    images = report["images"]
    assert images["published"] == FRAMES
    assert images["tracked"] > 0
    counted = images["tracked"] + images["initialising"] + images["lost"]
    assert counted + sum(images["dropped"].values()) + images["without_status"] == FRAMES
    assert images["without_status"] == 0
    assert 0.0 < report["latency_ms"]["all"]["p50"] <= report["latency_ms"]["all"]["max"]
    assert report["odometry"]["matched_poses"] >= 3
    assert report["map"]["ate_m"]["rmse"] > 0.0
    assert report["node"]["cpu_seconds"] > 0.0
    assert report["node"]["peak_memory_mib"] > 100.0
    assert (report["load"], report["rate"], report["timing"]) == (1, 0.2, "live")
    assert report["distributed"] == is_distributed
    logs = {path.stem for path in (out / "log").iterdir() if path.stem.endswith("_node")}
    assert logs == ({"frontend_node", "backend_node"} if is_distributed else {"denseba_node"})
    assert report["parameters"] == {"node.image_qos": "reliable"}
    assert report["commit"]
    assert {"odometry.txt", "map.txt", "states.txt"} <= {path.name for path in out.iterdir()}
    assert "latency, measured" in done.stdout


@pytest.mark.slow
def test_a_node_that_dies_is_shown(ros_environment: dict[str, str], tmp_path: Path) -> None:
    write_rendered(tmp_path / "room", RoomSequence(frames=3, width=160, height=120))
    done = call(
        ros_environment, str(tmp_path / "room"), "--out", str(tmp_path / "live"),
        "--set", "backend.windw=5",
    )  # fmt: skip
    assert done.returncode == 2
    assert "backend.windw" in done.stderr


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--rate", "0"], "a camera has a rate above 0"),
        (["--load", "-1"], "--load -1"),
        (["--set", "backend.window"], "NAME=VALUE"),
    ],
)
def test_wrong_options_are_refused(
    options: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
    out = tmp_path / "live"
    assert main(["benchmark", "live", str(tmp_path), "--out", str(out), *options]) == 2
    assert text in capsys.readouterr().err
    assert not out.exists()


def test_a_sequence_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
    assert main(["benchmark", "live", str(tmp_path / "absent")]) == 2
    assert "does not exist" in capsys.readouterr().err
