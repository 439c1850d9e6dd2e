"""Checks of ROS 2 and of the settings that its transport needs for images."""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from denseba_ros.doctor.check import Check, Status
from denseba_ros.transport import BUFFER_BYTES, PROFILE_VARIABLES, ActiveProfile, active_profile

ROS_NAME = "ROS 2"
TF_MESSAGE = "tf2_msgs/msg/TFMessage"
TF_MESSAGE_HASH = "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087"
SYSCTL = f"sudo sysctl -w net.core.rmem_max={BUFFER_BYTES} net.core.wmem_max={BUFFER_BYTES}"
KEEP_SYSCTL = "and the same settings in /etc/sysctl.d/60-denseba.conf to keep them"


def check_ros() -> Check:
    """Whether rclpy imports, from where, and which middleware it uses."""
    try:
        rclpy = importlib.import_module("rclpy")
        middleware = importlib.import_module("rclpy.utilities").get_rmw_implementation_identifier()
    except (ImportError, OSError, RuntimeError) as error:
        remedy = (
            "source a ROS 2 distribution (. /opt/ros/jazzy/setup.bash) before `make setup`, "
            "or pip install 'denseba_ros[ros]'"
        )
        return Check(
            ROS_NAME, "WARN", f"no nodes, only sequences on disk: {_first_line(error)}", remedy
        )
    folder = Path(str(rclpy.__file__)).resolve()
    if folder.is_relative_to(Path(sys.prefix).resolve()):
        origin = "wheels"
    else:
        origin = os.environ.get("ROS_DISTRO", "unknown distribution")
    return Check(ROS_NAME, "OK", f"{origin}, {middleware}, {folder.parent}")


def check_tf2_msgs() -> Check:
    """Whether the type hash of TF messages is that of every ROS 2 distribution."""
    try:
        module = importlib.import_module("tf2_msgs.msg")
    except ImportError as error:
        remedy = (
            "apt install ros-$ROS_DISTRO-tf2-msgs; beside wheels, which lack it: `make setup` in a "
            "checkout"
        )
        return Check("tf2_msgs", "WARN", f"no TF: {_first_line(error)}", remedy)
    found = _type_hash(Path(str(module.__file__)))
    if found is None:
        return Check("tf2_msgs", "OK", "found; this distribution does not state its type hash")
    if found != TF_MESSAGE_HASH:
        remedy = f"rebuild tf2_msgs: its type hash must be {TF_MESSAGE_HASH}"
        return Check("tf2_msgs", "FAIL", f"type hash {found}", remedy)
    return Check("tf2_msgs", "OK", "type hash as in every ROS 2")


def check_profile(environment: Mapping[str, str] | None = None) -> Check:
    """The transport profile that programs started from this shell use."""
    environment = os.environ if environment is None else environment
    profile = active_profile(environment)
    if profile.is_ours:
        return Check("transport profile", "OK", f"denseba's, {profile.path}")
    name = next((v for v in PROFILE_VARIABLES if v in environment), PROFILE_VARIABLES[0])
    if profile.path is None:
        return Check("transport profile", "WARN", *_no_profile(name in environment, name))
    return Check("transport profile", *_foreign_profile(profile, name))


def _no_profile(is_chosen: bool, variable: str) -> tuple[str, str]:
    if is_chosen:
        return f"none: {variable} is empty", f"unset {variable} to let denseba use its own"
    return (
        "none in this shell: denseba's commands use their own, other nodes started here do not",
        "source env.sh where you start the camera driver, too",
    )


def _foreign_profile(profile: ActiveProfile, variable: str) -> tuple[Status, str, str]:
    if not profile.exists:
        return "FAIL", f"{variable} names {profile.path}, which is not there", f"unset {variable}"
    return "WARN", f"yours, {profile.path}", f"unset {variable} if the measurement below fails"


def granted_receive_buffer() -> int:
    """Bytes that the kernel grants a UDP socket that requests the profile's buffer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        # Linux reports twice the granted size: the other half is its own bookkeeping.
        return udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def check_receive_buffer(granted: int | None = None) -> Check:
    """Whether net.core.rmem_max allows the buffers that images need; ``granted`` in bytes."""
    granted = granted_receive_buffer() if granted is None else granted
    found = f"{granted} bytes of {BUFFER_BYTES}"
    if granted < BUFFER_BYTES:
        return Check("socket buffers", "FAIL", found, f"{SYSCTL}; {KEEP_SYSCTL}")
    return Check("socket buffers", "OK", found)


def _type_hash(module: Path) -> str | None:
    """The hash in the description that is installed beside a message module, if any."""
    for prefix in module.parents:
        description = prefix / "share/tf2_msgs/msg/TFMessage.json"
        if description.is_file():
            hashes = json.loads(description.read_text())["type_hashes"]
            return next((h["hash_string"] for h in hashes if h["type_name"] == TF_MESSAGE), None)
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
