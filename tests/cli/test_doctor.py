"""``denseba doctor`` as a user runs it."""

from __future__ import annotations

import argparse
import json

import pytest

from denseba_ros.cli import doctor
from denseba_ros.cli.main import main
from denseba_ros.doctor.check import Check


def test_every_part_of_the_machine_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--json", "--no-transport"])
    answer = json.loads(capsys.readouterr().out)
    names = [check["name"] for check in answer["checks"]]
    assert names == [
        "Python", "torch", "OpenCV", "models", "matching", "evo", "disk",
        "ROS 2", "tf2_msgs", "transport profile", "socket buffers",
    ]  # fmt: skip
    assert status == int(not answer["ok"])


@pytest.mark.parametrize(("result", "expected"), [("OK", 0), ("WARN", 0), ("FAIL", 1)])
def test_the_exit_status_tells_of_a_failure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    result: str,
    expected: int,
) -> None:
    checks = [Check("disk", result, "found", "mend it")]  # type: ignore[arg-type]
    monkeypatch.setattr(doctor, "_checks", lambda measure: iter(checks))
    assert doctor.run(argparse.Namespace(sequence=None, json=False, no_transport=True)) == expected
    assert capsys.readouterr().out.startswith(result)


def test_a_recording_is_looked_at_instead(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--sequence", "room:standstill", "--count", "6", "--json"])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert status == 1
    assert checks["motion"]["status"] == "FAIL"
    assert checks["images"]["found"] == "all 6 images can be read"
