"""``denseba benchmark solvers`` on few samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from denseba_ros.cli.main import main


def test_the_command_prints_both_tables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "solvers.json"
    few = ["--accuracy-samples", "20", "--pairs", "2", "--samples", "8", "--repeat", "1"]
    command = ["benchmark", "solvers", "--device", "cpu", "--json", str(target), *few]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "five points" in printed
    assert "DDN" in printed
    written = json.loads(target.read_text())
    assert set(written["gradients"]) == {"implicit", "autograd", "DDN"}


def test_no_samples_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "solvers", "--pairs", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err
