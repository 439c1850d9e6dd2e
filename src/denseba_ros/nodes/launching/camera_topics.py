"""Topics of the camera, by the name of its driver or one by one."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from denseba_ros.errors import ConfigurationError
from denseba_ros.resources import share_file

TOPICS = ("image", "camera_info", "depth_in", "imu")
"""The inputs of the node, which are its names for them and the names of the arguments."""


def known_drivers() -> dict[str, dict[str, str]]:
    """Topics by driver, from ``config/camera_drivers.yaml``."""
    drivers: dict[str, dict[str, str]] = yaml.safe_load(
        share_file("config/camera_drivers.yaml").read_text()
    )
    return drivers


def camera_topics(camera: str, arguments: Mapping[str, str]) -> dict[str, str]:
    """Every input of TOPICS and the topic it comes from: given, else the driver's, else its name.

    Raises:
        ConfigurationError: when nobody knows a driver of that name.
    """
    drivers = known_drivers()
    if camera and camera not in drivers:
        raise ConfigurationError(f"camera:={camera}: known are {', '.join(sorted(drivers))}")
    preset = drivers.get(camera, {})
    return {name: arguments.get(name) or preset.get(name, name) for name in TOPICS}
