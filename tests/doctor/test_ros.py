"""Checks of ROS 2 and of the settings of its transport."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from denseba_ros.doctor import ros
from denseba_ros.resources import share_file
from denseba_ros.transport import BUFFER_BYTES, PROFILE


def test_ros_and_tf2_msgs_are_found_with_the_hash_of_every_ros_2() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    assert ros.check_ros().status == "OK"
    assert ros.check_tf2_msgs().status == "OK"


@pytest.mark.parametrize(
    ("module", "look"), [("rclpy", ros.check_ros), ("tf2_msgs.msg", ros.check_tf2_msgs)]
)
def test_without_ros_denseba_still_works_on_files(
    monkeypatch: pytest.MonkeyPatch, module: str, look: object
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert callable(look)
    check = look()
    assert check.status == "WARN"
    assert check.remedy


@pytest.mark.parametrize(("found", "status"), [(ros.TF_MESSAGE_HASH, "OK"), ("RIHS01_0", "FAIL")])
def test_another_type_hash_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str, status: str
) -> None:
    description = tmp_path / "share/tf2_msgs/msg/TFMessage.json"
    description.parent.mkdir(parents=True)
    hashes = [{"type_name": "tf2_msgs/msg/TFMessage", "hash_string": found}]
    description.write_text(json.dumps({"type_hashes": hashes}))
    module = type(sys)("tf2_msgs.msg")
    module.__file__ = str(tmp_path / "lib/python3.12/site-packages/tf2_msgs/msg/__init__.py")
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", module)
    assert ros.check_tf2_msgs().status == status


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        (None, "WARN", "none in this shell"),
        ("", "WARN", "is empty"),
        ("/nowhere/profile.xml", "FAIL", "not there"),
        (str(Path(__file__)), "WARN", "yours"),
        (str(share_file(PROFILE)), "OK", "denseba's"),
    ],
)
def test_the_active_profile_is_named(value: str | None, status: str, said: str) -> None:
    environment = {} if value is None else {"FASTDDS_DEFAULT_PROFILES_FILE": value}
    check = ros.check_profile(environment)
    assert check.status == status
    assert said in check.found
    assert status == "OK" or check.remedy


@pytest.mark.parametrize(
    ("granted", "status"), [(212_992, "FAIL"), (BUFFER_BYTES - 1, "FAIL"), (BUFFER_BYTES, "OK")]
)
def test_small_socket_buffers_fail_with_the_line_that_mends_them(granted: int, status: str) -> None:
    check = ros.check_receive_buffer(granted)
    assert check.status == status
    assert ("sysctl -w net.core.rmem_max=4194304" in check.remedy) == (status == "FAIL")


def test_the_granted_buffer_is_read() -> None:
    setting = Path("/proc/sys/net/core/rmem_max")
    if not setting.exists():
        pytest.skip("this container hides net.core.rmem_max")
    limit = int(setting.read_text())
    assert ros.granted_receive_buffer() == min(limit, BUFFER_BYTES)
