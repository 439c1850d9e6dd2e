"""What the launch files would start, and how they end, with a stand-in for ROS' launch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from denseba_ros.errors import ConfigurationError
from tests.launch.launch_stand_in import Launch, install, load

FOLDER = Path(__file__).resolve().parents[2] / "launch"


class Ros:
    """A machine with ROS' launch; without RViz unless ``install_rviz`` is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.packages: dict[str, str] = {}
        self.warnings: list[str] = []
        install(monkeypatch, self.packages, self.warnings.append)

    def install_rviz(self, prefix: Path) -> None:
        program = prefix / "lib" / "rviz2" / "rviz2"
        program.parent.mkdir(parents=True)
        program.touch()
        self.packages["rviz2"] = str(prefix)

    def launch(self, file: str, **arguments: str) -> Launch:
        run = Launch(dict(arguments))
        run.visit([load(FOLDER / file).generate_launch_description()])
        return run


@pytest.fixture
def ros(monkeypatch: pytest.MonkeyPatch) -> Ros:
    return Ros(monkeypatch)


def test_the_camera_of_the_robot_is_remapped(ros: Ros) -> None:
    topics = {"image": "/eye/image_raw", "camera_info": "/eye/camera_info", "depth_in": "/eye/z"}
    topics["imu"] = "/eye/imu"
    run = ros.launch("denseba.launch.py", **topics)
    assert list(run.started) == ["denseba_node"]
    assert run.started["denseba_node"].remappings == topics


def test_frontend_and_backend_can_be_two_processes(ros: Ros) -> None:
    run = ros.launch("denseba.launch.py", distributed="true")
    assert sorted(run.started) == ["backend_node", "frontend_node"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, []),
        ({"map_file": "a.denseba"}, [{"map.file": "a.denseba", "map.mode": "mapping"}]),
        ({"map_mode": "mapping"}, [{"map.mode": "mapping"}]),
        (
            {"map_file": "a.denseba", "map_mode": "localisation"},
            [{"map.file": "a.denseba", "map.mode": "localisation"}],
        ),
    ],
)
def test_the_map_may_be_given_as_arguments(
    ros: Ros, arguments: dict[str, str], expected: list[dict[str, str]]
) -> None:
    run = ros.launch("denseba.launch.py", **arguments)
    assert run.started["denseba_node"].action.options["parameters"][2:] == expected
    run = ros.launch("denseba.launch.py", distributed="true", **arguments)
    assert run.started["backend_node"].action.options["parameters"][2:] == expected


def test_the_node_hears_the_replay_whatever_the_command_line_says(ros: Ros) -> None:
    """`image:=` is seen by the included file too, where it would move the node away."""
    run = ros.launch("replay.launch.py", bag="x", image="/camera/image_raw", camera_info="/c/info")
    assert sorted(run.started) == ["denseba_node", "replay_node"]
    node, player = run.started["denseba_node"], run.started["replay_node"]
    assert node.remappings == {name: name for name in ("image", "camera_info", "depth_in", "imu")}
    assert player.arguments == ["x", "--rate", "1.0"]
    # The group's scope: the including file sees its own values again.
    assert run.configurations["image"] == "/camera/image_raw"


def test_the_arguments_of_the_replay_reach_both_processes(ros: Ros) -> None:
    options = {"namespace": "robot", "distributed": "true", "topic": "/left", "lockstep": "true"}
    run = ros.launch("replay.launch.py", bag="x", **options)
    assert sorted(run.started) == ["backend_node", "frontend_node", "replay_node"]
    assert {process.namespace for process in run.started.values()} == {"robot"}
    arguments = run.started["replay_node"].arguments
    assert arguments == ["x", "--rate", "1.0", "--topic", "/left", "--lockstep"]


@pytest.mark.parametrize("file", ["denseba.launch.py", "replay.launch.py"])
def test_rviz_is_started_on_request_only(ros: Ros, tmp_path: Path, file: str) -> None:
    ros.install_rviz(tmp_path)
    assert "rviz2" not in ros.launch(file, bag="x").started
    assert "rviz2" in ros.launch(file, bag="x", rviz="true").started
    assert ros.warnings == []


def test_a_machine_without_rviz_goes_on_with_a_warning(ros: Ros, tmp_path: Path) -> None:
    run = ros.launch("denseba.launch.py", rviz="true")
    assert list(run.started) == ["denseba_node"]
    assert len(ros.warnings) == 1
    assert "rviz2 is not installed" in ros.warnings[0]
    # A package without its program is no RViz either.
    ros.packages["rviz2"] = str(tmp_path)
    assert "rviz2" not in ros.launch("denseba.launch.py", rviz="true").started
    assert len(ros.warnings) == 2


def test_rviz_hears_the_camera_and_the_outputs_of_a_namespace(ros: Ros, tmp_path: Path) -> None:
    ros.install_rviz(tmp_path)
    run = ros.launch("denseba.launch.py", rviz="true", image="/eye/image_raw", namespace="robot")
    rviz = run.started["rviz2"]
    assert rviz.namespace == "robot"
    assert rviz.remappings["/image"] == "/eye/image_raw"
    document = yaml.safe_load(Path(rviz.arguments[1]).read_text())
    displays = document["Visualization Manager"]["Displays"]
    topics = {d["Topic"]["Value"] for d in displays if "Topic" in d}
    assert topics <= set(rviz.remappings)
    outputs = {name: to for name, to in rviz.remappings.items() if name != "/image"}
    assert all(to == name.lstrip("/") for name, to in outputs.items())


@pytest.mark.parametrize(
    ("parameters", "fixed_frame", "warnings"),
    [
        ("node: {frame_prefix: one/}", "one/odom", 0),
        ("node: {odom_frame: world}", "world", 0),
        ("node: {odom_frame: [1]}", "odom", 1),
    ],
)
def test_rviz_has_the_frames_of_the_parameters(
    ros: Ros,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    parameters: str,
    fixed_frame: str,
    warnings: int,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ros.install_rviz(tmp_path)
    file = tmp_path / "robot.yaml"
    file.write_text(f"/**: {{ros__parameters: {{{parameters}}}}}\n")
    run = ros.launch("denseba.launch.py", rviz="true", params_file=str(file))
    document = yaml.safe_load(Path(run.started["rviz2"].arguments[1]).read_text())
    assert document["Visualization Manager"]["Global Options"]["Fixed Frame"] == fixed_frame
    assert len(ros.warnings) == warnings


@pytest.mark.parametrize("status", [0, 2])
def test_everything_ends_with_the_replay_and_says_how(ros: Ros, status: int) -> None:
    run = ros.launch("replay.launch.py", bag="x")
    run.end("denseba_node", 0)
    assert run.shutdown_reason == ""
    run.end("replay_node", status)
    assert f"status {status}" in run.shutdown_reason
    assert len(run.said) == 1
    assert f"status {status}" in run.said[0]


def test_the_topics_of_a_driver_are_known_by_its_name(ros: Ros) -> None:
    remapped = (
        ros.launch("denseba.launch.py", camera="realsense").started["denseba_node"].remappings
    )
    assert remapped["image"] == "/camera/camera/color/image_raw"
    assert remapped["camera_info"] == "/camera/camera/color/camera_info"
    run = ros.launch("denseba.launch.py", camera="usb_cam", image="/mine")
    assert run.started["denseba_node"].remappings == {
        "image": "/mine",
        "camera_info": "/camera_info",
        "depth_in": "depth_in",
        "imu": "imu",
    }


def test_an_unknown_driver_is_refused(ros: Ros) -> None:
    with pytest.raises(ConfigurationError, match="oak, realsense, usb_cam, v4l2, zed"):
        ros.launch("denseba.launch.py", camera="webcam")


def test_a_missing_params_file_is_refused(ros: Ros) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: there is no such file"):
        ros.launch("denseba.launch.py", params_file="/nowhere.yaml")


def parameters(run: Launch) -> dict[str, Any]:
    given = run.started["denseba_node"].action.options["parameters"]
    overrides: dict[str, Any] = given[2] if len(given) > 2 else {}
    return overrides


def test_arguments_override_the_params_file(ros: Ros) -> None:
    assert parameters(ros.launch("denseba.launch.py")) == {}
    run = ros.launch(
        "denseba.launch.py",
        odom_frame="vo",
        publish_map_tf="false",
        extrinsics="0.1, 0, 0.3, 0, 0.2, 0",
        image_transport="compressed",
    )
    assert parameters(run) == {
        "node.odom_frame": "vo",
        "node.publish_map_tf": False,
        "node.extrinsics": [0.1, 0.0, 0.3, 0.0, 0.2, 0.0],
        "node.image_transport": "compressed",
    }


@pytest.mark.parametrize(
    "wrong", [{"extrinsics": "1,2"}, {"publish_map_tf": "perhaps"}, {"image_transport": "theora"}]
)
def test_a_wrong_argument_is_refused(ros: Ros, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        ros.launch("denseba.launch.py", **wrong)


def test_rviz_has_the_frames_of_the_arguments(
    ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ros.install_rviz(tmp_path)
    run = ros.launch("denseba.launch.py", rviz="true", odom_frame="vo", camera="zed")
    rviz = run.started["rviz2"]
    document = yaml.safe_load(Path(rviz.arguments[1]).read_text())
    assert document["Visualization Manager"]["Global Options"]["Fixed Frame"] == "vo"
    assert rviz.remappings["/image"] == "/zed/zed_node/left/image_rect_color"


def test_log_level_and_respawn_reach_the_node(ros: Ros) -> None:
    run = ros.launch("denseba.launch.py", log_level="debug", respawn="true")
    node = run.started["denseba_node"]
    assert node.arguments == ["--ros-args", "--log-level", "debug"]
    assert node.action.options["respawn"] is True
