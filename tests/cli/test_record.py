"""What `denseba record` says at its end, and its status."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from denseba_ros.cli import record
from denseba_ros.cli.exit_status import DONE, FAILED, NO_MAP
from denseba_ros.cli.main import main


def recorded(tracked: int, frames: int) -> dict[str, Any]:
    return {
        "frames": frames,
        "tracked": tracked,
        "keyframes": min(tracked, 2),
        "poses": {"tracked": tracked, "predicted": 0, "lost": 0},
        "reasons_not_tracking": {"too dark": frames - tracked},
    }


@pytest.mark.parametrize(
    ("summary", "status", "is_said"),
    [
        (recorded(9, 10), DONE, False),
        (recorded(0, 10), NO_MAP, True),
        (recorded(0, 0), FAILED, False),
    ],
)
def test_nothing_tracked_is_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    summary: dict[str, Any],
    status: int,
    is_said: bool,
) -> None:
    monkeypatch.setattr(record, "ros_session", nullcontext)
    monkeypatch.setattr(record, "_recorded", lambda args, stop: summary)
    assert main(["record", "--out", "somewhere"]) == status
    assert ("no map was started: too dark" in capsys.readouterr().out) == is_said
