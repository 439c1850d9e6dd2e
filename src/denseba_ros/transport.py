"""The DDS profile with which no camera image is lost; config/transport tells why."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from denseba_ros.resources import share_file

PROFILE = "config/transport/fastdds.xml"
LOOPBACK_PROFILE = "config/transport/fastdds_loopback.xml"
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""What Fast DDS reads: the first up to ROS 2 Jazzy, the second from Kilted on."""
RANGE_VARIABLE = "ROS_AUTOMATIC_DISCOVERY_RANGE"
LOCALHOST_VARIABLE = "ROS_LOCALHOST_ONLY"
BUFFER_BYTES = 4_194_304
"""Socket buffers that the profile asks for; the kernel grants at most net.core.rmem_max."""


@dataclass(frozen=True)
class ActiveProfile:
    """The profile that Fast DDS would load now."""

    path: Path | None
    """None: Fast DDS uses its built-in transports."""
    is_ours: bool
    exists: bool


def activate(environment: MutableMapping[str, str] | None = None) -> ActiveProfile:
    """Set the shipped profile in the environment, unless the user chose one; "" chooses none.

    Where the user restricts ROS 2 to this machine (``ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST``),
    the loopback profile does so instead, because images get lost with LOCALHOST.

    Must come before the first ``rclpy.init``, in this process or in the environment of a child.

    Raises:
        ConfigurationError: when the profile was not installed.
    """
    environment = os.environ if environment is None else environment
    chosen = _chosen(environment)
    if chosen is None or active_profile(environment).is_ours:
        chosen = _shipped_profile(environment, chosen)
    for variable in PROFILE_VARIABLES:
        environment[variable] = chosen
    return active_profile(environment)


def active_profile(environment: Mapping[str, str] | None = None) -> ActiveProfile:
    """The profile that ``environment`` (default: this process's) names; changes nothing."""
    chosen = _chosen(os.environ if environment is None else environment)
    if not chosen:
        return ActiveProfile(path=None, is_ours=False, exists=False)
    path = Path(chosen)
    return ActiveProfile(path=path, is_ours=_is_shipped(path), exists=path.is_file())


def is_localhost_only(environment: Mapping[str, str] | None = None) -> bool:
    """Whether ROS 2's own variables in ``environment`` restrict it to this machine."""
    environment = os.environ if environment is None else environment
    by_range = environment.get(RANGE_VARIABLE, "").upper() == "LOCALHOST"
    return by_range or environment.get(LOCALHOST_VARIABLE) == "1"


def _chosen(environment: Mapping[str, str]) -> str | None:
    """The named profile, "" when the variables are there but empty, None when they are not."""
    named = [environment[v] for v in PROFILE_VARIABLES if v in environment]
    return next((profile for profile in named if profile), "" if named else None)


def _shipped_profile(environment: MutableMapping[str, str], current: str | None) -> str:
    if not is_localhost_only(environment):
        return current or str(share_file(PROFILE))
    environment[RANGE_VARIABLE] = "SYSTEM_DEFAULT"
    environment.pop(LOCALHOST_VARIABLE, None)
    return str(share_file(LOOPBACK_PROFILE))


def _is_shipped(path: Path) -> bool:
    """By content, because a node and its launcher may come from different installations."""
    shipped = (share_file(PROFILE).read_bytes(), share_file(LOOPBACK_PROFILE).read_bytes())
    return path.is_file() and path.read_bytes() in shipped
