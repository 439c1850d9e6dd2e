"""`denseba run --record` and `--view`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from denseba_ros.cli.main import main


def test_a_run_is_recorded(recording: Any, knowing_system: Any, tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed: denseba_ros[view]")
    file = tmp_path / "run.rrd"
    options = ["--out", str(tmp_path / "out"), "--fps", "10", "--record", str(file)]
    assert main(["run", str(recording.sequence), *options]) == 0
    command = [sys.executable, "-m", "rerun", "rrd", "print", "-v", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    keyframes = [i * 100_000_000 for i in range(0, 30, 5)]
    for entity in (*(f"keyframes/{stamp}/points" for stamp in keyframes), "path/0", "truth"):
        assert f"/world/{entity}" in printed


@pytest.mark.parametrize("option", [["--view"], ["--record", "run.rrd"]])
def test_without_rerun_it_says_so_before_anything_runs(
    recording: Any,
    knowing_system: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: list[str],
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "rerun" else find(name)
    )
    monkeypatch.chdir(tmp_path)
    options = ["--out", str(tmp_path / "out"), "--fps", "10", *option]
    assert main(["run", str(recording.sequence), *options]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert "pip install 'denseba_ros[view]'" in said
    assert not (tmp_path / "out" / "trajectory.txt").exists()
