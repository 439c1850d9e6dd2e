"""Launch arguments that stand for parameters of the node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.parameter_yaml import parameters_from_yaml

OVERRIDES = {
    "frame_prefix": "Put before the frames of robots that share one TF tree.",
    "odom_frame": "Frame of odometry.",
    "map_frame": "Frame above odom.",
    "base_frame": "Frame of the robot.",
    "camera_frame": "Optical frame of the camera.",
    "publish_odom_tf": "Publish odom -> base.",
    "publish_map_tf": "Publish map -> odom.",
    "publish_camera_tf": "Publish base -> camera.",
    "extrinsics": "Mounting frame of the camera in the base: x,y,z,roll,pitch,yaw (m, rad).",
    "extrinsics_from_tf": "Take base -> camera from TF.",
    "image_transport": "raw or compressed.",
    "image_is_rectified": "The images are rectified already.",
}
"""Parameter under ``node.``, which is the argument's name too, and its description."""


def parameter_overrides(arguments: Mapping[str, str]) -> dict[str, Any]:
    """``node.NAME``: value for every argument of OVERRIDES that is not empty, of the type that the
    parameter has.

    Raises:
        ConfigurationError: on a value that the parameter cannot have.
    """
    given = {name: text for name, text in arguments.items() if name in OVERRIDES and text}
    values = {name: _value(name, text) for name, text in given.items()}
    NodeConfig.from_dict(values)
    return {f"node.{name}": value for name, value in values.items()}


def node_settings(params_file: Path, overrides: Mapping[str, Any]) -> NodeConfig:
    """What the node will take from the file and the overrides.

    Raises:
        ConfigurationError: when the file is missing or a value is wrong.
    """
    node = dict(parameters_from_yaml(params_file).get("node") or {})
    node.update({name.removeprefix("node."): value for name, value in overrides.items()})
    return NodeConfig.from_dict(node)


def existing_params_file(text: str) -> Path:
    """The parameter file that was asked for.

    Raises:
        ConfigurationError: when it is not there: ROS would start the node with defaults.
    """
    path = Path(text)
    if not path.is_file():
        raise ConfigurationError(f"params_file:={text}: there is no such file")
    return path


def _value(name: str, text: str) -> Any:
    default = NodeConfig.model_fields[name].default
    if isinstance(default, str):
        return text
    try:
        value = yaml.safe_load(f"[{text}]" if isinstance(default, tuple) else text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}:={text}: cannot be read") from error
    if isinstance(default, tuple):
        numbers = value[0] if len(value) == 1 and isinstance(value[0], list) else value
        if not all(isinstance(number, int | float) for number in numbers):
            raise ConfigurationError(f"{name}:={text}: expected x,y,z,roll,pitch,yaw")
        return [float(number) for number in numbers]
    return value
