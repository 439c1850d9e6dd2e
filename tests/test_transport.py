"""The transport profile is chosen unless the user chose another."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from denseba_ros.resources import share_file
from denseba_ros.transport import (
    BUFFER_BYTES,
    LOOPBACK_PROFILE,
    PROFILE,
    PROFILE_VARIABLES,
    activate,
    active_profile,
)


def test_the_shipped_profile_is_named_for_every_ros_2() -> None:
    environment: dict[str, str] = {}
    assert activate(environment).is_ours
    assert {environment[v] for v in PROFILE_VARIABLES} == {str(share_file(PROFILE))}


def test_a_profile_of_the_user_stays(tmp_path: Path) -> None:
    mine = tmp_path / "mine.xml"
    mine.write_text("<profiles/>")
    environment = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(mine)}
    profile = activate(environment)
    assert profile.path == mine
    assert profile.exists
    assert not profile.is_ours
    assert environment["FASTDDS_DEFAULT_PROFILES_FILE"] == str(mine)


def test_an_empty_variable_means_no_profile() -> None:
    environment = {"FASTRTPS_DEFAULT_PROFILES_FILE": ""}
    assert activate(environment).path is None


@pytest.mark.parametrize(
    "localhost", [{"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, {"ROS_LOCALHOST_ONLY": "1"}]
)
@pytest.mark.parametrize("sourced", [True, False])
def test_one_machine_alone_gets_the_loopback_profile(
    localhost: dict[str, str], sourced: bool
) -> None:
    environment = dict(localhost)
    if sourced:
        environment |= {v: str(share_file(PROFILE)) for v in PROFILE_VARIABLES}
    assert activate(environment).path == share_file(LOOPBACK_PROFILE)
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SYSTEM_DEFAULT"
    assert "ROS_LOCALHOST_ONLY" not in environment
    # A child that activates again must stay on this machine.
    assert activate(environment).path == share_file(LOOPBACK_PROFILE)


def test_a_missing_file_is_seen() -> None:
    profile = active_profile({"FASTRTPS_DEFAULT_PROFILES_FILE": "/nowhere/profile.xml"})
    assert not profile.exists
    assert not profile.is_ours


@pytest.mark.parametrize("name", [PROFILE, LOOPBACK_PROFILE])
def test_profiles_replace_the_builtin_transports_with_large_buffers(name: str) -> None:
    text = re.sub(r' xmlns="[^"]*"', "", share_file(name).read_text())
    root = ElementTree.fromstring(text.encode())
    transport = root.find("transport_descriptors/transport_descriptor")
    assert transport is not None
    assert transport.findtext("receiveBufferSize") == str(BUFFER_BYTES)
    participant = root.find("participant[@is_default_profile='true']/rtps")
    assert participant is not None
    assert participant.findtext("useBuiltinTransports") == "false"
    used = participant.findtext("userTransports/transport_id")
    assert used == transport.findtext("transport_id")
