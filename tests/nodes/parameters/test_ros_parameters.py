"""The parameters of the nodes, their models and config/denseba.yaml are one and the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.nodes.parameters.parameter_fields import parameter_fields
from denseba_ros.nodes.parameters.parameter_file import parameter_file

FILE = Path(__file__).parents[3] / "config" / "denseba.yaml"


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in values.items():
        result |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return result


def test_the_file_holds_every_parameter_with_its_default() -> None:
    values = flat(yaml.safe_load(FILE.read_text())["/**"]["ros__parameters"])
    expected = {
        name: list(field.default) if isinstance(field.default, tuple) else field.default
        for name, field in parameter_fields().items()
    }
    assert values == expected


def test_the_file_is_what_the_generator_prints() -> None:
    remedy = "python -m denseba_ros.nodes.parameters.parameter_file > config/denseba.yaml"
    assert FILE.read_text() == parameter_file(), f"run: {remedy}"


def test_both_models_read_the_file() -> None:
    assert Config.from_yaml(FILE) == Config()
    assert NodeConfig.from_yaml(FILE) == NodeConfig()


def test_every_parameter_is_described() -> None:
    assert [name for name, field in parameter_fields().items() if not field.description] == []


def test_a_wrong_node_parameter_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("node:\n  queue_size: -1\n")
    with pytest.raises(ConfigurationError, match="queue_size"):
        NodeConfig.from_yaml(file)


def test_frames_have_no_leading_slash() -> None:
    names = {f"{kind}_frame": f"/{kind}" for kind in ("odom", "map", "base", "camera")}
    settings = NodeConfig.from_dict(names)
    assert (settings.odom, settings.map, settings.base) == ("odom", "map", "base")
    assert settings.camera_frame == "camera"
    assert NodeConfig(frame_prefix="/one/").odom == "one/odom"
    with pytest.raises(ConfigurationError, match="odom_frame"):
        NodeConfig.from_dict({"odom_frame": "/"})


def make_node(name: str, value: Any, *more: Any) -> tuple[Config, NodeConfig, Any]:
    """A node with one parameter and ``more`` names and values; the description of the first."""
    from rclpy.node import Node
    from rclpy.parameter import Parameter

    from denseba_ros.nodes.parameters.ros_parameters import declare_parameters

    values = {name: value, **dict(zip(more[::2], more[1::2], strict=True))}
    overrides = [Parameter(key, value=given) for key, given in values.items()]
    node = Node("tester", parameter_overrides=overrides)
    try:
        config, settings = declare_parameters(node)
        return config, settings, node.describe_parameter(name) if node.has_parameter(name) else None
    finally:
        node.destroy_node()


@pytest.mark.usefixtures("ros")
class TestDeclared:
    def test_values_reach_the_models(self) -> None:
        assert make_node("backend.window", 5)[0].backend.window == 5
        assert make_node("backend.iterations", ["fine"])[0].backend.iterations == ("fine",)
        assert make_node("node.queue_size", 0)[1].queue_size == 0
        extrinsics = [1, 2, 3, 0, 0, 0]
        assert make_node("node.extrinsics", extrinsics)[1].extrinsics[:3] == (1.0, 2.0, 3.0)

    def test_a_whole_number_is_accepted_where_a_float_is_meant(self) -> None:
        assert make_node("frontend.constant_depth", 3)[0].frontend.constant_depth == 3.0

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("backend.window", 99, "window"),
            ("backend.window", "five", "window"),
            ("backend.solver", "magic", "solver"),
            ("node.image_qos", "best", "image_qos"),
            ("node.extrinsics", [0.0, 1.0], "extrinsics"),
            ("backend.windw", 5, "did you mean 'backend.window'"),
            ("node.odom.frame", "odom", "did you mean 'node.odom_frame'"),
            ("devic", "cpu", "did you mean 'device'"),
        ],
    )
    def test_wrong_values_are_refused_with_the_reason(
        self, name: str, value: Any, reason: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=reason):
            make_node(name, value)

    @pytest.mark.parametrize(
        "name",
        [
            "robot_radius",
            "device_id",
            "node.robot_radius",
            "controller.window",
            "windw",
            "odom_frame",
        ],
    )
    def test_what_another_node_needs_is_left_alone(self, name: str) -> None:
        """A file for ``/**`` reaches every node of the robot."""
        assert make_node(name, 1.0)[0] == Config()

    def test_foreign_parameters_are_named_in_one_warning(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        make_node("robot_radius", 0.3, "footprint", "")
        said = [line for line in capfd.readouterr().err.splitlines() if "robot_radius" in line]
        assert len(said) == 1
        assert "WARN" in said[0]
        assert "robot_radius, footprint" in said[0]

    def test_descriptions_and_ranges_reach_ros(self) -> None:
        descriptor = make_node("backend.window", 5)[2]
        assert descriptor.description == "Keyframes of the sliding window."
        (limits,) = descriptor.integer_range
        assert (limits.from_value, limits.to_value) == (3, 12)
        assert "schur, lbfgs" in make_node("backend.solver", "schur")[2].additional_constraints


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({}, 0.1),
        ({"max_wait": 0.5}, 0.5),
        ({"max_wait": 0.5, "queue_size": 0}, 0.0),
        ({"max_wait": 0.5, "mapping": "lockstep"}, 0.0),
    ],
)
def test_images_are_overtaken_only_where_the_node_keeps_to_the_clock(
    values: dict[str, Any], seconds: float
) -> None:
    assert NodeConfig.from_dict(values).longest_wait == seconds
