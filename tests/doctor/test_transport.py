"""The measurement of images between two processes: good, lossy, deaf and broken links."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.doctor import transport
from denseba_ros.doctor.ros import granted_receive_buffer
from denseba_ros.doctor.transport import LinkMeasurement, check_transport, measure
from denseba_ros.resources import share_file
from denseba_ros.transport import BUFFER_BYTES, LOOPBACK_PROFILE, activate

LOSSLESS = LinkMeasurement(60, 60, 0.003)
LOSSY = LinkMeasurement(60, 21, 0.003)


@pytest.fixture
def lossy_environment(ros_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Socket buffers that hold a fiftieth of an image: no image can arrive whole."""
    profile = tmp_path / "tiny.xml"
    tiny = f"<receiveBufferSize>16384</receiveBufferSize><maxMessageSize>{8192}</maxMessageSize>"
    text = share_file(LOOPBACK_PROFILE).read_text()
    profile.write_text(text.replace("<receiveBufferSize>4194304</receiveBufferSize>", tiny))
    assert "16384" in profile.read_text()
    return ros_environment | {
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(profile),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(profile),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT",
    }


def test_images_arrive_with_the_shipped_profile(ros_environment: dict[str, str]) -> None:
    if granted_receive_buffer() < BUFFER_BYTES:
        pytest.skip("net.core.rmem_max is below 4 MB here")
    activate(ros_environment)
    measured = measure(ros_environment, ros_environment)
    assert measured.sent == 60
    # A test machine may be busy; without the profile two thirds are lost.
    assert measured.received >= 55
    assert measured.median_latency > 0


def test_a_lossy_profile_is_found_and_named(lossy_environment: dict[str, str]) -> None:
    check = check_transport(lossy_environment)
    assert check.status == "FAIL"
    assert "of 60 arrived" in check.found
    assert check.remedy


def test_a_broken_environment_is_an_answer(ros_environment: dict[str, str]) -> None:
    broken = ros_environment | {"RMW_IMPLEMENTATION": "rmw_absent"}
    measured = measure(broken, broken)
    assert not measured.is_lossless
    assert "rmw_absent" in measured.error or "exit status" in measured.error


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (LOSSLESS, "60 of 60 arrived, median latency 3.0 ms"),
        (LinkMeasurement(60, 0, float("nan")), "0 of 60 arrived"),
        (LinkMeasurement(0, 0, float("nan")), "did not find each other"),
        (LinkMeasurement(0, 0, float("nan"), "no rmw"), "no rmw"),
    ],
)
def test_the_text_of_a_link_measurement(measured: LinkMeasurement, said: str) -> None:
    assert str(measured) == said or said in str(measured)
    assert measured.is_lossless == (measured is LOSSLESS)


@pytest.mark.parametrize(
    ("environment", "granted", "again", "cause", "remedy"),
    [
        ({}, 212_992, LOSSY, "grants sockets only 212992", "sysctl"),
        ({}, BUFFER_BYTES, LOSSLESS, "without a profile is the cause", "source env.sh"),
        ({"mine": "1"}, BUFFER_BYTES, LOSSLESS, "mine.xml is the cause", "unset FASTRTPS"),
        ({"mine": "1"}, BUFFER_BYTES, LOSSY, "21 of 60", "firewall"),
        ({"ours": "1"}, BUFFER_BYTES, LOSSLESS, "at a second try: 60 of 60", "repeat"),
    ],
    ids=["small buffers", "no profile", "foreign profile", "always lossy", "busy"],
)
def test_the_cause_of_lost_images_is_diagnosed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    granted: int,
    again: LinkMeasurement,
    cause: str,
    remedy: str,
) -> None:
    answers = iter([LOSSY, again])
    monkeypatch.setattr(transport, "measure", lambda sender, receiver: next(answers))
    monkeypatch.setattr(transport, "granted_receive_buffer", lambda: granted)
    shell = {}
    if "mine" in environment:
        shell["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(tmp_path / "mine.xml")
    if "ours" in environment:
        activate(shell)
    check = check_transport(shell)
    assert check.status == "FAIL"
    assert cause in check.found
    assert remedy in check.remedy
